import { hueOf, initials } from "./initials";
import "./Avatar.css";

export function Avatar({ name, small }: { name: string; small?: boolean }) {
  return (
    <span
      className={small ? "avatar avatar-small" : "avatar"}
      style={{ "--hue": hueOf(name) } as React.CSSProperties}
      aria-hidden="true"
    >
      {initials(name)}
    </span>
  );
}
