/**
 * What a dialog asks about, until it is left. Asked again it is another dialog, with nothing typed into it: the one
 * before may be closed and still be there, since the browser tells of a closing and the page draws itself only
 * a moment later, and who works by keys is faster than that.
 */
import { useRef, useState } from "preact/hooks";

export type Asked<T> = {
  readonly about: T;
  readonly key: number;
  /** Leaves this one, and not another that was asked for meanwhile. */
  readonly leave: () => void;
};

export function useAsked<T>(first?: T): readonly [Asked<T> | undefined, (about: T) => void] {
  const count = useRef(0);
  const [asked, setAsked] = useState(() => (first === undefined ? undefined : askedOf(first)));

  function askedOf(about: T): Asked<T> {
    const key = ++count.current;
    const leave = () => setAsked((now) => (now?.key === key ? undefined : now));
    return { about, key, leave };
  }

  return [asked, (about) => setAsked(askedOf(about))];
}
