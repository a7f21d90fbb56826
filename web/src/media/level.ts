const QUIETEST_DB = -60;

/** Each look has the page painted anew, which on a machine without a GPU is dear. */
const LOOK_EVERY_MS = 60;

/** Tells a track's loudness from 0 to 1, some times a second, until the returned function is called. */
export function watchLevel(track: MediaStreamTrack, tell: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let shown = 0;
  let last = -Infinity;
  let request = requestAnimationFrame(function look(now) {
    request = requestAnimationFrame(look);
    if (now - last < LOOK_EVERY_MS) return;
    last = now;
    analyser.getFloatTimeDomainData(samples);
    // Rises at once and falls slowly, as people expect of a meter.
    shown = Math.max(loudness(samples), shown * 0.75);
    tell(shown);
  });
  return () => {
    cancelAnimationFrame(request);
    void context.close();
  };
}

/** Root mean square on a scale of decibels: 0 at −60 dB, 1 at full scale. */
export function loudness(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / samples.length);
  const decibels = 20 * Math.log10(Math.max(rms, 1e-6));
  return Math.min(1, Math.max(0, 1 - decibels / QUIETEST_DB));
}
