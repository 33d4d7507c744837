/** Whether this browser will keep what it was given, and how much room there is. */
export type StorageState = {
  /** False: the browser may clear it when the device runs out of room. */
  readonly persisted: boolean;
  readonly usedBytes: number;
  readonly quotaBytes: number;
};

/** Asks the browser to keep it. Undefined where it does not say, as at an address without TLS. */
export async function askToKeep(): Promise<StorageState | undefined> {
  const { storage } = navigator;
  if (storage?.persist === undefined) return undefined;
  const persisted = (await storage.persisted()) || (await storage.persist());
  const { usage = 0, quota = 0 } = await storage.estimate();
  return { persisted, usedBytes: usage, quotaBytes: quota };
}

/** Lets the page open without a network. Where the browser cannot, the page needs one to open. */
export function workOffline(): void {
  navigator.serviceWorker?.register("/service-worker.js").catch(() => {});
}
