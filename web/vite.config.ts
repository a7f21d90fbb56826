import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// In development the signaling pod runs beside Vite; ROTUNDA_URL points elsewhere.
const signaling = process.env.ROTUNDA_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: { target: "es2022", outDir: "dist", chunkSizeWarningLimit: 700 },
  server: {
    proxy: {
      "/socket.io": { target: signaling, ws: true },
      "/api": { target: signaling },
    },
  },
  test: { environment: "node", include: ["src/**/*.test.{ts,tsx}"], testTimeout: 60_000 },
});
