/** Whether what was scanned here is the twin's, and what hinders if it is not. */
import { words } from "../language/spoken.ts";
import { Sign } from "../parts/icon.tsx";
import { Notice } from "../parts/notice.tsx";
import type { PhoneState } from "./phone.ts";
import type { SendState } from "./sender.ts";

export function SendMark({
  state: { waiting, send, scans },
  onSite,
}: {
  readonly state: PhoneState;
  readonly onSite: (key: string) => void;
}) {
  return (
    <>
      <p class="scan-queue" data-waiting={waiting} role="status">
        <Sign name={waiting > 0 ? "pause" : "done"} />
        {waiting > 0
          ? words.scan.waiting(waiting)
          : scans.length > 0
            ? words.scan.allSaved
            : words.scan.nothingYet}
      </p>
      <Hindrance send={send} waiting={waiting} onSite={onSite} />
    </>
  );
}

function Hindrance({
  send,
  waiting,
  onSite,
}: {
  readonly send: SendState;
  readonly waiting: number;
  readonly onSite: (key: string) => void;
}) {
  switch (send.kind) {
    case "sending":
      return null;
    case "unreachable":
      return waiting === 0 ? null : (
        <Notice tone="calm" title={words.scan.offline}>
          <p>{words.scan.offlineNext}</p>
        </Notice>
      );
    case "not-allowed":
      return (
        <Notice tone="warn" title={words.scan.notAllowed}>
          <p>{send.detail}</p>
          <p class="soft">{words.scan.keptMeanwhile}</p>
          <a href="/login">{words.scan.logIn}</a>
        </Notice>
      );
    case "refused":
      return (
        <Notice tone="error" title={words.scan.refused}>
          <p>{send.detail}</p>
          <p class="soft">{words.scan.keptMeanwhile}</p>
        </Notice>
      );
    case "site-wanted":
      return (
        <Notice tone="warn" title={words.scan.whichSite}>
          <div class="scan-sites">
            {send.sites.map(({ key, name }) => (
              <button key={key} type="button" class="button" onClick={() => onSite(key)}>
                {name ?? key}
              </button>
            ))}
          </div>
        </Notice>
      );
  }
}
