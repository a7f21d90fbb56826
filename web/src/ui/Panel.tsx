import type { HTMLAttributes } from "react";
import "./Panel.css";

/** A pane of glass. */
export function Panel({ className, ...rest }: HTMLAttributes<HTMLElement>) {
  return <section {...rest} className={className ? `panel ${className}` : "panel"} />;
}
