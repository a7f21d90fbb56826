import { createContext, useContext } from "react";
import { useStore } from "zustand";
import type { LocalMediaState } from "../media/LocalMedia";
import type { MeetingState } from "../state/meetingStore";
import type { Session } from "./session";

export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("useSession outside of a room's page");
  return session;
}

export function useMeeting<T>(select: (state: MeetingState) => T): T {
  return useStore(useSession().store, select);
}

export function useLocal<T>(select: (state: LocalMediaState) => T): T {
  return useStore(useSession().local.store, select);
}
