/**
 * Loads of a row of operands, each made `ahead` of its turn: cores that execute in order stand still at an instruction whose
 * operand is on its way. Others find the order themselves.
 *
 * @returns the load of an item; ask for them in order
 */
export function loadsAhead<Item, Loaded>(
  items: readonly Item[],
  ahead: number,
  load: (item: Item) => Loaded,
): (index: number) => Loaded {
  const loaded: Loaded[] = [];
  return (index) => {
    for (const item of items.slice(loaded.length, index + ahead + 1)) loaded.push(load(item));
    return loaded[index]!;
  };
}
