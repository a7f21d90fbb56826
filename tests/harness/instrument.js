// Runs in every page before the page's own scripts: holds the camera to a size and lets a test choose
// the network path of media. `window.harness.options` is set by the line in front of this script (guest.py).
(() => {
  const { camera, path } = window.harness.options;

  const realGetUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = ({ audio, video }) =>
    realGetUserMedia(video ? { audio: audio ?? false, video: camera } : { audio });

  // A screen without a screen: a canvas that changes ten times a second.
  navigator.mediaDevices.getDisplayMedia = async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
    const pen = canvas.getContext("2d");
    let count = 0;
    setInterval(() => {
      pen.fillStyle = `hsl(${(count += 7) % 360} 60% 40%)`;
      pen.fillRect(0, 0, canvas.width, canvas.height);
    }, 100);
    return canvas.captureStream(10);
  };

  const RealConnection = window.RTCPeerConnection;
  const connections = [];
  window.RTCPeerConnection = class extends RealConnection {
    constructor(configuration, ...rest) {
      super(relayed(configuration), ...rest);
      connections.push(this);
    }
    setConfiguration(configuration) {
      super.setConfiguration(relayed(configuration));
    }
    async setRemoteDescription({ type, sdp }) {
      const rewrites = path === "ipv6" || path === "proxied";
      return super.setRemoteDescription({ type, sdp: rewrites ? await rerouted(sdp) : sdp });
    }
  };

  // From now on notes the longest time between two frames of any other's picture.
  let watch = 0;
  let longestGap = 0;
  window.harness.watchGaps = () => {
    const number = ++watch;
    longestGap = 0;
    const tracks = Object.values(window.rotunda.client.store.getState().tracks);
    const ids = new Set(tracks.map(({ track }) => track.id));
    for (const video of document.querySelectorAll("video")) {
      if (!ids.has(video.srcObject?.getVideoTracks()[0]?.id)) continue;
      let last = performance.now();
      const note = (now) => {
        if (number !== watch) return;
        longestGap = Math.max(longestGap, now - last);
        last = now;
        video.requestVideoFrameCallback(note);
      };
      video.requestVideoFrameCallback(note);
    }
  };
  window.harness.longestGap = () => longestGap;

  // With the path "relay-udp", "relay-tcp" or "relay-tls" media goes through TURN over that alone.
  function relayed(configuration) {
    const over = /^relay-(.*)$/.exec(path)?.[1];
    if (!over) return configuration;
    const fits = (url) => (over === "tls" ? /^turns:/ : new RegExp(`^turn:.*transport=${over}$`)).test(url);
    const iceServers = (configuration?.iceServers ?? [])
      .map((server) => ({ ...server, urls: [server.urls].flat().filter(fits) }))
      .filter(({ urls }) => urls.length);
    return { ...configuration, iceServers, iceTransportPolicy: "relay" };
  }

  // Of each open connection: the credentials in use, and this end of the pair that carries its media.
  window.harness.relays = () =>
    Promise.all(
      connections
        .filter(({ connectionState }) => connectionState !== "closed")
        .map(async (connection) => {
          const reports = await connection.getStats();
          const transport = [...reports.values()].find(({ type }) => type === "transport");
          const pair = reports.get(transport?.selectedCandidatePairId);
          const { candidateType, relayProtocol, usernameFragment } = reports.get(pair?.localCandidateId) ?? {};
          const { username, credential } = connection.getConfiguration().iceServers[0] ?? {};
          return { candidateType, relayProtocol, usernameFragment, username, credential };
        }),
    );

  // Keeps only the candidates of the path that was chosen: "ipv6", or "proxied" through another port.
  async function rerouted(sdp) {
    const lines = [];
    for (const line of sdp.split("\r\n")) {
      if (/^a=candidate:\S+ \d+ tcp /i.test(line)) continue;
      const candidate = /^(a=candidate:\S+ \d+ udp \d+) (\S+) (\d+) (.*)$/i.exec(line);
      if (!candidate) {
        lines.push(line);
        continue;
      }
      const [, head, address, port, tail] = candidate;
      if (address.includes(":") !== (path === "ipv6")) continue;
      if (path === "ipv6") {
        lines.push(line);
      } else {
        const through = await window.harnessProxy(address, Number(port));
        lines.push(`${head} ${address} ${through} ${tail}`);
      }
    }
    return lines.join("\r\n");
  }
})();
