/**
 * The twin's own name among those of gateways: under it stands as evidence what people and systems say,
 * and nobody else's statements count. A gateway speaks for its devices, whatever it sends.
 */
export const OWN_NAME = "twin";
