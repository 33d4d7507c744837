/**
 * The gateways: whether each is connected and since when, how its clock stands, what it last said of its
 * devices, how far each of its numberings was taken in, and how much waits there.
 */
import { useEffect } from "preact/hooks";
import { gateways } from "../api.ts";
import { useAnswer, useNow } from "../ask.ts";
import { every } from "../clock.ts";
import { words } from "../language/spoken.ts";
import { DeviceList } from "../parts/device-list.tsx";
import { KindIcon } from "../parts/icon.tsx";
import { Instant } from "../parts/instant.tsx";
import { Notice, Refused, Unreachable } from "../parts/notice.tsx";
import type { Gateway, GatewayClock } from "../twin-api.ts";
import { agoWord, spanWord } from "../when.ts";
import { countWord, spaced } from "../words.ts";

/** Connecting and leaving are no events of the twin's log, so this page asks. */
const REFRESH_MS = 2_000;

export function GatewaysPage() {
  const asked = useAnswer("gateways", gateways);
  const { again } = asked;
  const now = useNow(1_000);
  useEffect(() => every(REFRESH_MS, again), [again]);
  useEffect(() => {
    document.title = `${words.gateways.title} · racktrace`;
  }, []);
  if (asked.refused) return <Refused refusal={asked.refused} title={words.gateways.cannot} />;
  if (asked.value === undefined) return asked.unreachable ? <Unreachable old={false} /> : null;
  return (
    <div class="gateways">
      <h1>{words.gateways.title}</h1>
      {asked.unreachable && <Unreachable old />}
      {asked.value.length === 0 && (
        <Notice tone="calm" title={words.gateways.none}>
          <p>{words.gateways.noneNext}</p>
        </Notice>
      )}
      <div class="gateway-cards">
        {asked.value.map((gateway) => (
          <GatewayCard
            key={gateway.gateway}
            gateway={gateway}
            now={now}
            certain={!asked.unreachable}
          />
        ))}
      </div>
    </div>
  );
}

function GatewayCard({
  gateway: { gateway, connected, since, heardAt, clock, lanes, devices },
  now,
  certain,
}: {
  readonly gateway: Gateway;
  readonly now: number;
  readonly certain: boolean;
}) {
  const look = !certain ? "unsure" : connected ? "up" : "down";
  return (
    <section class="card gateway" aria-labelledby={`gateway-${gateway}`}>
      <header>
        <KindIcon kind="gateway" />
        <h2 id={`gateway-${gateway}`} class="mono">
          {gateway}
        </h2>
        <span class={`up up-${look}`}>
          {!certain
            ? words.gateways.notKnown
            : connected
              ? words.gateways.connected
              : words.gateways.notConnected}
        </span>
      </header>
      <p class="gateway-word soft">
        {since !== null && certain && (
          <>
            {words.gateways.since} <Instant at={since} now={now} /> ({agoWord(since, now)}).{" "}
          </>
        )}
        {heardAt !== null && !(connected && certain) && (
          <>
            {words.gateways.lastWord}: <Instant at={heardAt} now={now} /> ({agoWord(heardAt, now)}).
          </>
        )}
      </p>
      <ClockWord clock={clock} now={now} />
      <DeviceList devices={devices} now={now} certain={certain && connected} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys too. */}
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for what one fills in. */}
      <div class="scroll lanes" role="group" aria-label={words.gateways.lane} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.gateways.lane}</th>
              <th scope="col">{words.gateways.epoch}</th>
              <th scope="col" class="number">
                {words.gateways.through}
              </th>
              <th scope="col">{words.gateways.taken}</th>
              <th scope="col" class="number">
                {words.gateways.waiting}
              </th>
            </tr>
          </thead>
          <tbody>
            {lanes.map(({ epoch, lane, through, lastTakenInAt, waiting, waitingAt }) => (
              <tr key={epoch}>
                <td>{laneWord(lane)}</td>
                <td class="mono soft" title={epoch}>
                  {epoch.slice(0, 8)}
                </td>
                <td class="mono number">{countWord(through)}</td>
                <td>
                  {lastTakenInAt === null ? (
                    <span class="soft">{words.gateways.never}</span>
                  ) : (
                    <>
                      <Instant at={lastTakenInAt} now={now} />{" "}
                      <span class="soft">{agoWord(lastTakenInAt, now)}</span>
                    </>
                  )}
                </td>
                <td class="number">
                  {waiting === null ? (
                    <span class="soft">{words.gateways.waitingNotTold}</span>
                  ) : (
                    <span class={waiting > 0 ? "waiting" : undefined}>{countWord(waiting)}</span>
                  )}
                  {waitingAt !== null && (waiting !== 0 || !(connected && certain)) && (
                    <span class="soft"> {agoWord(waitingAt, now)}</span>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** Below this the way of a message explains the difference. */
const AGREES_MS = 2_000;
/** What a person should see to: the hours of events are told by this clock. */
const FAR_MS = 10_000;

function ClockWord({ clock, now }: { readonly clock: GatewayClock | null; readonly now: number }) {
  if (clock === null) return <p class="gateway-word soft">{words.gateways.clockNotTold}</p>;
  const { quality, aheadMs, at } = clock;
  const isWrong = quality === "unsynced" || Math.abs(aheadMs) >= FAR_MS;
  return (
    <p class={`gateway-word ${isWrong ? "clock-wrong" : "soft"}`}>
      {words.gateways.clock}: {words.gateways.clockQualities[quality] ?? quality},{" "}
      {differenceWord(aheadMs)} (<Instant at={at} now={now} />)
    </p>
  );
}

function differenceWord(aheadMs: number): string {
  if (Math.abs(aheadMs) < AGREES_MS) return words.gateways.clockAgrees;
  const span = spanWord(Math.abs(aheadMs));
  return aheadMs > 0 ? words.gateways.clockAhead(span) : words.gateways.clockBehind(span);
}

function laneWord(lane: string): string {
  return words.gateways.lanes[lane as keyof typeof words.gateways.lanes] ?? spaced(lane);
}
