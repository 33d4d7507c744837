/** One thing that is not as it should be: what is seen, why, and what to do about it. */
export type Finding = {
  /** Stable, for people who search and programs that read. */
  readonly code: string;
  /** What it is about, such as `scanner desk`. */
  readonly about: string;
  readonly what: string;
  readonly cause: string;
  readonly next: string;
  /** False: worth a look, and the gateway works. */
  readonly must: boolean;
};

export function finding(
  code: string,
  about: string,
  [what, cause, next]: readonly [what: string, cause: string, next: string],
  must = true,
): Finding {
  return { code, about, what, cause, next, must };
}
