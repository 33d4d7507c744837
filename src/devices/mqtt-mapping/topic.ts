/**
 * MQTT topic names (MQTT 3.1.1, section 4.7): which ones we take, and what a filter's wildcards
 * stand for in one.
 */

// Far above what a site needs; matchers pay for each level.
const LEVELS_MAX = 32;
export const TOPIC_CHARS_MAX = 1024;

// U+FFFD is what a decoder leaves of bytes that are not UTF-8 [MQTT-1.5.3-1].
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is the point
const UNFIT = /[\u0000-\u001f\u007f-\u009f\ufffd]/;

/** Why no device may publish under this name; undefined when it may. */
export function topicProblem(topic: string): string | undefined {
  if (topic === "") return "the topic is empty";
  if (topic.length > TOPIC_CHARS_MAX)
    return `the topic has more than ${TOPIC_CHARS_MAX} characters`;
  if (topic.startsWith("$")) return "topics that begin with $ belong to the broker";
  if (/[+#]/.test(topic)) return "a topic to publish to has no wildcards";
  if (UNFIT.test(topic)) return "the topic has control characters or is not UTF-8";
  if (topic.split("/").length > LEVELS_MAX) return `the topic has more than ${LEVELS_MAX} levels`;
  return undefined;
}

/**
 * The levels the wildcards stand for, in order (`#` keeps its slashes); undefined without a match.
 * The filter is a valid one.
 */
export function matchTopic(filter: string, topic: string): readonly string[] | undefined {
  const wanted = filter.split("/");
  const levels = topic.split("/");
  const found: string[] = [];
  for (const [at, level] of wanted.entries()) {
    // `a/#` matches `a` too [MQTT-4.7.1-2].
    if (level === "#") return [...found, levels.slice(at).join("/")];
    const actual = levels[at];
    if (actual === undefined) return undefined;
    if (level === "+") found.push(actual);
    else if (level !== actual) return undefined;
  }
  return levels.length === wanted.length ? found : undefined;
}

/** Why nobody may be given this filter: it would reach beyond the levels that are theirs. */
export function grantProblem(filter: string): string | undefined {
  const levels = filter.split("/");
  const [first = ""] = levels;
  if (first === "") return "a filter that is granted begins with a name";
  if (/[+#]/.test(first)) return "a filter that is granted begins with a name, not a wildcard";
  for (const [at, level] of levels.entries()) {
    if (level.includes("#") && (level !== "#" || at !== levels.length - 1))
      return "# stands alone, as the last level";
    if (level.includes("+") && level !== "+") return "+ stands for a whole level";
  }
  return topicProblem(filter.replaceAll(/[+#]/g, "x"));
}

/** Whether a filter (or a topic, which is one without wildcards) asks for nothing beyond `granted`. */
export function isWithin(granted: string, asked: string): boolean {
  const given = granted.split("/");
  const wanted = asked.split("/");
  for (const [at, level] of given.entries()) {
    if (level === "#") return true;
    const each = wanted[at];
    if (each === undefined || each === "#") return false;
    if (level !== "+" && level !== each) return false;
  }
  return wanted.length === given.length;
}
