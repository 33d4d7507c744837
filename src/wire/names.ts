/**
 * How a gateway and a numbering may be named. Both are shown to people who go by what they read, beside
 * fingerprints that they compare: a name says nothing else and moves no cursor.
 */

export const GATEWAY_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** As an outbox, a browser or the twin mints it. */
export const EPOCH = /^[\x21-\x7e]{1,128}$/;
