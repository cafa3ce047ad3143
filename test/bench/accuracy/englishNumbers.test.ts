import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeEnglish } from '../../../src/bench/accuracy/normalizeEnglish.js';
import { normalizationPairs } from './normalizationPairs.js';

/*
 * Expected values: the published test cases of openai/whisper where it says so, otherwise read off the published rules
 * (whisper/normalizers/english.py, MIT) and confirmed with them.
 */
const PAIRS = normalizationPairs(`
# published tests of the number rules (openai/whisper, tests/test_normalizer.py)
two → 2
thirty one → 31
five twenty four → 524
nineteen ninety nine → 1999
twenty nineteen → 2019
two point five million → 2500000
four point two billions → 4200000000s
200 thousand → 200000
200 thousand dollars → $200000
$20 million → $20000000
€52.4 million → €52400000
£77 thousands → £77000s
two double o eight → 2008
three thousand twenty nine → 3029
forty three thousand two hundred sixty → 43260
forty three thousand two hundred and sixty → 43260
nineteen fifties → 1950s
thirty first → 31st
thirty three thousand and three hundred and thirty third → 33333rd
three billion → 3000000000
millions → 1000000s
july third twenty twenty → july 3rd 2020
august twenty sixth twenty twenty one → august 26th 2021
3 14 → 3 14
3.14 → 3.14
3 point 2 → 3.2
3 point 14 → 3.14
fourteen point 4 → 14.4
two point two five dollars → $2.25
two hundred million dollars → $200000000
$20.1 million → $20100000
ninety percent → 90%
seventy six per cent → 76%
double oh seven → 007
double zero seven → 007
nine one one → 911
nine double one → 911
one triple oh one → 10001
two thousandth → 2000th
thirty two thousandth → 32000th
minus 500 → -500
positive twenty thousand → +20000
two dollars and seventy cents → $2.70
3 cents → ¢3
$0.36 → ¢36
three euros and sixty five cents → €3.65
three and a half million → 3500000
forty eight and a half dollars → $48.5
b747 → b 747
10 th → 10th
10th → 10th

# cardinals
zero → 0
seven → 7
eleven → 11
nineteen → 19
twenty → 20
forty two → 42
ninety nine → 99
one hundred → 100
one hundred and one → 101
two hundred and fifty → 250
nine hundred ninety nine → 999
one thousand → 1000
twelve thousand three hundred and four → 12304
a hundred thousand → a 100000
six million two hundred thousand → 6200000
one million and one → 1000001
seven trillion → 7000000000000
two quadrillion → 2000000000000000
1,000,000 → 1000000
12,345 people → 12345 people
hundred → 100
one → one
a one → a one
ones → ones
one two three → 123
four five six seven → 4567
twenty three → 23
twenty twenty → 2020
eighteen twelve → 1812
ten four → 104
thirteen hundred → 1300
sixty five hundred → 6500
two thousand and nineteen → 2019
0 million → 0

# ordinals, plurals and decades
first → 1st
second → 2nd
third → 3rd
fourth → 4th
fifth → 5th
eighth → 8th
ninth → ninth
twelfth → 12th
thirteenth → 13th
twentieth → 20th
twenty first → 21st
forty second → 42nd
hundredth → 100th
two hundred and third → 203rd
millionth → 1000000th
zeroth → 0th
the second one → the 2nd one
sixes and sevens → 6s and 7s
twenties → 20s
the roaring twenties → the roaring 20s
nineteen eighties → 1980s
eighteen hundreds → 1800s
thousands of people → 1000s of people
hundreds and thousands → 100s and 1000s
1960s → 1960s
21 st century → 21 saint century
the 3 rd → the 3rd

# decimals and digits read out
zero point five → 0.5
three point one four one five nine → 3.14159
point five → .5
ten point zero → 10.0
2.50 → 2.50
3.0 → 3
one point five thousand → 1500
five and a half → 5.5
cups and a half → cups and a half
two and a half → 2.5
oh five → 05
one oh one → 101
o one → 01
seven o seven → 707
double five → 55
triple seven → 777
double trouble → double trouble
triple eleven → 111111
version two point oh → version 2.0
point taken → point taken
one nine two point one six eight → 192.168

# signs, percent and money
minus five → -5
negative thirty → -30
plus one → +one
plus size → plus size
positive → positive
five percent → 5%
five per cent → 5%
five per person → 5 per person
percent → percent
zero percent → 0%
two point five percent → 2.5%
50% → 50%
50 % → 50
% of it → % of it
twenty dollars → $20
one dollar → one
ten euros → €10
five pounds → £5
a pound of flesh → a pound of flesh
ninety nine cents → ¢99
one dollar and five cents → one.05
three pounds and fifty cents → £3.50
$5 → $5
$1 → one
€7.25 → €7.25
$2.05 → $2.05
$1,234.56 → $1234.56
$ sign → sign
five hundred million euros → €500000000
half a million dollars → half a $1000000
£3 million → £3000000
`);

for (const [title, pairs] of PAIRS) {
  test(`numbers: ${title}`, () => {
    for (const [text, expected] of pairs) assert.equal(normalizeEnglish(text), expected, `"${text}"`);
  });
}

test('numbers are the same in capitals, after punctuation and with hyphens', () => {
  for (const text of ['Twenty-five', 'TWENTY FIVE', '"twenty five"', '(um) twenty, five.', '25']) {
    assert.equal(normalizeEnglish(text), '25', text);
  }
});

test('a number beyond the whole numbers of a double keeps all its digits', () => {
  assert.equal(normalizeEnglish('nine hundred ninety nine decillion'), `999${'0'.repeat(33)}`);
  assert.equal(normalizeEnglish('12345678901234567890123 and one'), '12345678901234567890123 and one');
});
