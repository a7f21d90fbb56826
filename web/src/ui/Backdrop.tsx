import type { ReactNode } from "react";
import "./Backdrop.css";

/** The quiet lit background of every page outside of a call. */
export function Backdrop({ children }: { children: ReactNode }) {
  return (
    <div className="backdrop">
      <div className="backdrop-rings" aria-hidden="true" />
      {children}
    </div>
  );
}
