/** A broken promise between two pieces of our own code. Never caught: the process stops. */
export class Bug extends Error {
  override readonly name = "Bug";
}

export function assert(truth: boolean, claim: string): asserts truth {
  if (!truth) throw new Bug(claim);
}

/** Closes a switch over a union; adding a member then fails to compile here. */
export function never(value: never): never {
  throw new Bug(`unreachable: ${JSON.stringify(value)}`);
}
