/**
 * Where somebody comes from, as far as it tells hosts apart: an IPv4 address, or the /64 that an IPv6 host
 * owns and can have any number of addresses of.
 */
export function neighbourhood(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  if (!plain.includes(":")) return plain;
  const [head = "", tail] = plain.split("::");
  const groups = head.split(":").filter((group) => group !== "");
  if (tail !== undefined) {
    const last = tail.split(":").filter((group) => group !== "");
    while (groups.length + last.length < 8) groups.push("0");
    groups.push(...last);
  }
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}
