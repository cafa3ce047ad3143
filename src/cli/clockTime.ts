/**
 * A length of time for people.
 *
 * @example
 * clockTime(65_400); // '1:05'
 * clockTime(3_600_000); // '1:00:00'
 */
export function clockTime(ms: number): string {
  const whole = Math.round(ms / 1000);
  const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const pad = (value: number): string => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds)}` : `${minutes}:${pad(seconds)}`;
}
