/** The broker did what it must not, or did not what it must. */
export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure';
}

/** @throws {SimulationFailure} always */
export function fail(what: string): never {
  throw new SimulationFailure(what);
}

/** @throws {SimulationFailure} when it does not hold; the text is made only then */
export function expectThat(holds: boolean, what: () => string): asserts holds {
  if (!holds) fail(what());
}
