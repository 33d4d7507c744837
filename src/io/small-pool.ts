/**
 * Node 24's pool of 64 KiB serves whole batches and small words side by side, and one small word that an old handle
 * holds keeps all of its slab until everything is collected: draining a backlog left 60 MB so. With a small pool
 * what a batch is made of stands alone.
 */
const POOL_BYTES = 8_192;

/** Once in each thread that hears or says batches, before it begins. */
export function keepPoolSmall(): void {
  Buffer.poolSize = POOL_BYTES;
}
