/** How full a place is, against the fullest beside it, and by its strength how recent that is. */
const DAY_MS = 86_400_000;
const AGES_MS = [DAY_MS, 7 * DAY_MS, 30 * DAY_MS];

export function Fill({
  holds,
  most,
  changed,
  now,
}: {
  readonly holds: number;
  readonly most: number;
  readonly changed: string | null;
  readonly now: number;
}) {
  const ageMs = changed === null ? Number.POSITIVE_INFINITY : now - Date.parse(changed);
  const step = AGES_MS.findIndex((limit) => ageMs < limit);
  return (
    <svg class={`fill fill-${step === -1 ? AGES_MS.length : step}`} aria-hidden="true">
      <rect class="fill-all" width="100%" height="100%" rx="2" />
      <rect class="fill-part" width={`${(holds / most) * 100}%`} height="100%" rx="2" />
    </svg>
  );
}
