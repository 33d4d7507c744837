/**
 * An invitation as it is carried from the twin to a gateway's console: the gateway's name, the fingerprint
 * of the twin's authority, and a secret, as one word that can be pasted.
 *
 *   rt1.<name>.<SHA-256 of the authority's certificate>.<secret>     both in the alphabet of base64url
 */
export type InvitationText = {
  readonly name: string;
  readonly fingerprint: string;
  readonly secret: string;
};

const FORM = /^rt1\.([a-z0-9][a-z0-9._-]{0,63})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{22,128})$/;

export function encodeInvitation({ name, fingerprint, secret }: InvitationText): string {
  return `rt1.${name}.${fingerprint}.${secret}`;
}

/** Undefined: this is no invitation, or not all of it. */
export function decodeInvitation(text: string): InvitationText | undefined {
  const [, name, fingerprint, secret] = FORM.exec(text.trim()) ?? [];
  if (name === undefined || fingerprint === undefined || secret === undefined) return undefined;
  return { name, fingerprint, secret };
}
