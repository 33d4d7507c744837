/** The gateways: whether each is connected, and how far each of its numberings was taken in. */
import { useEffect } from "preact/hooks";
import { type Gateway, gateways } from "../api.ts";
import { useAnswer, useNow } from "../ask.ts";
import { every } from "../clock.ts";
import { KindIcon } from "../parts/icon.tsx";
import { Instant } from "../parts/instant.tsx";
import { Notice, Refused, Unreachable } from "../parts/notice.tsx";
import { agoWord } from "../when.ts";
import { countWord, spaced } from "../words.ts";

/** Connecting and leaving are no events of the twin's log, so this page asks. */
const REFRESH_MS = 2_000;

export function GatewaysPage() {
  const asked = useAnswer("gateways", gateways);
  const { again } = asked;
  const now = useNow(1_000);
  useEffect(() => every(REFRESH_MS, again), [again]);
  useEffect(() => {
    document.title = "Gateways · racktrace";
  }, []);
  if (asked.refused)
    return <Refused refusal={asked.refused} title="The gateways cannot be shown." />;
  if (asked.value === undefined) return asked.unreachable ? <Unreachable old={false} /> : null;
  return (
    <div class="gateways">
      <h1>Gateways</h1>
      {asked.unreachable && <Unreachable old />}
      {asked.value.length === 0 && (
        <Notice tone="calm" title="No gateway has reported yet.">
          <p>A gateway appears here when it connects for the first time.</p>
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
  gateway: { gateway, connected, lanes },
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
          {!certain ? "Not known now" : connected ? "Connected" : "Not connected"}
        </span>
      </header>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Lane</th>
              <th scope="col">Epoch</th>
              <th scope="col" class="number">
                Through
              </th>
              <th scope="col">Last taken in</th>
            </tr>
          </thead>
          <tbody>
            {lanes.map(({ epoch, lane, through, lastTakenInAt }) => (
              <tr key={epoch}>
                <td>{spaced(lane)}</td>
                <td class="mono soft" title={epoch}>
                  {epoch.slice(0, 8)}
                </td>
                <td class="mono number">{countWord(through)}</td>
                <td>
                  {lastTakenInAt === null ? (
                    <span class="soft">never</span>
                  ) : (
                    <>
                      <Instant at={lastTakenInAt} now={now} />{" "}
                      <span class="soft">{agoWord(lastTakenInAt, now)}</span>
                    </>
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
