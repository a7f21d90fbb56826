export type DeviceKind = "microphone" | "camera";

/** What went wrong with a device, and what can be done, in plain words. */
export function describeDeviceError(kind: DeviceKind, error: unknown): string {
  const name = error instanceof Error ? error.name : "";
  const capital = kind === "camera" ? "Camera" : "Microphone";
  switch (name) {
    case "NotAllowedError":
      return `${capital} access is blocked. Allow it in the browser's address bar and try again.`;
    case "NotFoundError":
    case "OverconstrainedError":
      return `No ${kind} was found. Connect one, or go on without.`;
    case "NotReadableError":
    case "AbortError":
      return `The ${kind} is in use by another app. Close that app and try again.`;
    case "InsecureContextError":
      return `The browser gives no ${kind} to this page: it takes HTTPS, or this very machine.`;
    default:
      return `The ${kind} could not be started${name ? ` (${name})` : ""}.`;
  }
}

/** What is wrong with both, said once where it is the same. */
export function joinProblems(camera: string | undefined, microphone: string | undefined): string[] {
  const same = camera?.replace("Camera", "").replace("camera", "");
  if (same && same === microphone?.replace("Microphone", "").replace("microphone", "")) {
    return [
      camera
        ?.replace("Camera", "Camera and microphone")
        .replace("camera", "camera or microphone") ?? "",
    ];
  }
  return [camera, microphone].filter((problem) => problem !== undefined);
}

/** Undefined where the person only closed the picker: that needs no message. */
export function describeScreenError(error: unknown): string | undefined {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError" || name === "AbortError") return undefined;
  if (name === "NotReadableError") return "The system does not let the browser see the screen.";
  if (name === "InsecureContextError" || name === "TypeError") {
    return "This browser cannot share the screen.";
  }
  return `The screen could not be shared${name ? ` (${name})` : ""}.`;
}

/** Thrown where the browser hides devices from pages that are not secure. */
export class InsecureContextError extends Error {
  override readonly name = "InsecureContextError";
}
