import { X } from "lucide-react";
import { useEffect, useRef } from "react";
import { DeviceSettings } from "../prejoin/DeviceSettings";
import { LevelMeter } from "../prejoin/LevelMeter";
import { IconButton } from "../ui/Button";
import "./SettingsDialog.css";
import { useLocal } from "./SessionContext";

export function SettingsDialog({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const microphone = useLocal((state) => state.microphone);
  const problems = useLocal((state) => state.camera.problem ?? state.microphone.problem);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="settings"
      aria-label="Settings"
      onClose={onClose}
      onClick={(event) => {
        if (event.target === dialog.current) dialog.current.close();
      }}
    >
      <div className="settings-body">
        <header>
          <h2>Settings</h2>
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
      </div>
    </dialog>
  );
}
