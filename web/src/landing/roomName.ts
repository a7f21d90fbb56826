/** Room names are DNS labels (RFC 1123): what a Kubernetes object and a URL can both carry. */
const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
const MAX_LENGTH = 63;

/** Says what is wrong with a room name, or undefined if it is fine. */
export function roomNameProblem(name: string): string | undefined {
  if (name === "") return "Give the room a name.";
  if (name.length > MAX_LENGTH) {
    return `At most ${MAX_LENGTH} characters, please: this name has ${name.length}.`;
  }
  if (/[^a-z0-9-]/.test(name)) return "Use small letters a–z, digits and hyphens only.";
  if (!LABEL.test(name)) return "A name starts and ends with a letter or a digit.";
  return undefined;
}

/** What somebody typed or pasted, as near to a room name as it gets: a link gives its room. */
export function toRoomName(typed: string): string {
  const link = /\/r\/([^/?#\s]+)/.exec(typed);
  return (link?.[1] ?? typed)
    .trim()
    .toLowerCase()
    .normalize("NFKD")
    .replace(/\p{Mark}/gu, "")
    .replace(/[\s_.]+/g, "-");
}

/** A name that is easy to say on the phone: `amber-harbor-42`. */
export function randomRoomName(random: () => number = Math.random): string {
  const pick = (words: readonly string[]) => words[Math.floor(random() * words.length)] ?? "";
  return `${pick(QUALITIES)}-${pick(PLACES)}-${10 + Math.floor(random() * 90)}`;
}

const QUALITIES = (
  "amber brave bright calm clear copper early gentle golden green happy jolly kind light lucky " +
  "mellow merry misty noble olive quiet rapid royal silver smooth snowy solar sunny swift tidy " +
  "velvet warm wild wise"
).split(" ");

const PLACES = (
  "arbor atrium bay bridge brook canyon cove delta dome field fjord forest garden grove harbor " +
  "haven hill island lagoon lake loft meadow mesa orchard park peak pier plaza river shore " +
  "terrace tower valley willow"
).split(" ");
