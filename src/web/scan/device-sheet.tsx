/** This device as a scanner: its name, what its storage promises, and how its keyboard scanner types. */
import { words } from "../language/spoken.ts";
import { Notice } from "../parts/notice.tsx";
import type { PhoneRecord } from "./queue.ts";
import type { StorageState } from "./storage.ts";
import type { Calibration } from "./wedge/calibration.ts";
import { USUAL, type WedgeSetting } from "./wedge/reading.ts";

type Props = {
  readonly record: PhoneRecord;
  readonly storage: StorageState | undefined;
  readonly wedge: WedgeSetting;
  readonly calibration: Calibration | "awaited" | undefined;
  readonly onWedge: (setting: WedgeSetting) => void;
  readonly onCalibrate: () => void;
  readonly onLeave: () => void;
};

const MEGABYTE = 1_000_000;

export function DeviceSheet({ record, storage, ...wedge }: Props) {
  return (
    <details class="card scan-device">
      <summary>{words.scan.device}</summary>
      <dl class="facts">
        <div>
          <dt>{words.scan.name}</dt>
          <dd>{record.gateway ?? words.scan.noName}</dd>
        </div>
        <div>
          <dt>{words.scan.storage}</dt>
          <dd>
            {storage === undefined
              ? words.scan.storageUnknown
              : `${storage.persisted ? words.scan.storageKept : words.scan.storageAtRisk} ${words.scan.quota(
                  Math.ceil(storage.usedBytes / MEGABYTE),
                  Math.floor(storage.quotaBytes / MEGABYTE),
                )}`}
          </dd>
        </div>
      </dl>
      <Wedge {...wedge} />
    </details>
  );
}

function Wedge({
  wedge,
  calibration,
  onWedge,
  onCalibrate,
  onLeave,
}: Omit<Props, "record" | "storage">) {
  const calibrated = Object.keys(wedge.layout).length > 0;
  return (
    <section aria-labelledby="wedge">
      <h2 id="wedge">{words.scan.wedge}</h2>
      <p class="soft">{words.scan.wedgeHow}</p>
      <label class="scan-separator">
        <span>{words.scan.separator}</span>
        <input
          value={wedge.separator}
          maxLength={8}
          size={8}
          onInput={({ currentTarget }) => onWedge({ ...wedge, separator: currentTarget.value })}
        />
      </label>
      {calibration === "awaited" ? (
        <div class="scan-sheet">
          <p role="status">{words.scan.scanSheet}</p>
          <img src="/wedge-sheet.svg" alt={words.scan.sheet} width={240} height={240} />
          <button type="button" onClick={onLeave}>
            {words.scan.leave}
          </button>
        </div>
      ) : (
        <div class="scan-acts">
          <button type="button" onClick={onCalibrate}>
            {words.scan.calibrate}
          </button>
          {calibrated && (
            <button type="button" onClick={() => onWedge({ ...wedge, layout: USUAL.layout })}>
              {words.scan.forget}
            </button>
          )}
        </div>
      )}
      {calibration !== undefined && calibration !== "awaited" && <Found found={calibration} />}
    </section>
  );
}

function Found({ found }: { readonly found: Calibration }) {
  if (found.kind === "not-the-sheet")
    return (
      <Notice tone="warn" title={words.scan.notTheSheet}>
        <p>{words.scan.notTheSheetNext(found.strokes)}</p>
      </Notice>
    );
  const { wrong, separator } = found;
  return (
    <Notice tone={separator === "sent" ? "calm" : "warn"} title={words.scan.learned}>
      <p>
        {wrong.length === 0
          ? words.scan.layoutRight
          : words.scan.layoutWrong(
              wrong.length,
              wrong
                .slice(0, 8)
                .map(([meant, typed]) => `${typed} → ${meant}`)
                .join(", "),
            )}
      </p>
      {separator === "dropped" && <p>{words.scan.separatorDropped}</p>}
    </Notice>
  );
}
