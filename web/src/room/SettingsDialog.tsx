import { X } from "lucide-react";
import { useRef } from "react";
import { DeviceSettings } from "../prejoin/DeviceSettings";
import { LevelMeter } from "../prejoin/LevelMeter";
import { IconButton } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import "./SettingsDialog.css";
import { useLocal } from "./SessionContext";

export function SettingsDialog({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const microphone = useLocal((state) => state.microphone);
  const problems = useLocal((state) => state.camera.problem ?? state.microphone.problem);
  return (
    <Dialog ref={dialog} className="settings" titleId="settings-title" onClose={onClose}>
      <header>
        <h2 id="settings-title">Settings</h2>
        <IconButton
          label="Close"
          look="bare"
          tip="below"
          icon={<X size={19} />}
          onClick={() => dialog.current?.close()}
        />
      </header>
      <DeviceSettings />
      {microphone.on && microphone.track && (
        <div className="settings-level">
          <span>Your microphone</span>
          <LevelMeter track={microphone.track} />
        </div>
      )}
      {problems && <p role="alert">{problems}</p>}
    </Dialog>
  );
}
