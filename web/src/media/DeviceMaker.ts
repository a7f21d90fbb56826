import { detectDevice, Device, type types } from "mediasoup-client";
import { Chrome111 } from "mediasoup-client/handlers/Chrome111";
import { Firefox120 } from "mediasoup-client/handlers/Firefox120";
import { Safari12 } from "mediasoup-client/handlers/Safari12";
import { SignalingError } from "../signaling/errors";

type Direction = types.HandlerGetNativeRtpCapabilitiesOptions["direction"];

export type Devices = Pick<DeviceMaker, "warm" | "make">;

/**
 * Makes loaded devices. What this browser can do takes an RTCPeerConnection and two offers to find
 * out, so it is asked once and ahead of the join that needs it.
 */
export class DeviceMaker {
  readonly #factory: types.HandlerFactory | undefined = handlerFactory();
  readonly #native = new Map<Direction, Promise<types.RtpCapabilities>>();

  /** Finds out ahead of time. Never fails: `make` will say what is wrong. */
  warm(): void {
    for (const direction of ["recvonly", "sendonly"] as const) {
      this.#capabilities(direction)?.catch(() => this.#native.clear());
    }
  }

  /** Rejects with SignalingError `unsupported` in a browser that has no usable WebRTC. */
  async make(routerRtpCapabilities: types.RtpCapabilities): Promise<Device> {
    try {
      const device = new Device(
        this.#factory ? { handlerFactory: this.#cached(this.#factory) } : {},
      );
      await device.load({ routerRtpCapabilities });
      return device;
    } catch (error) {
      console.warn("rotunda: no device:", error);
      throw new SignalingError("unsupported", "This browser cannot take part in a call.");
    }
  }

  #cached(factory: types.HandlerFactory): types.HandlerFactory {
    return {
      ...factory,
      getNativeRtpCapabilities: (options) =>
        this.#capabilities(options.direction) ?? factory.getNativeRtpCapabilities(options),
    };
  }

  #capabilities(direction: Direction): Promise<types.RtpCapabilities> | undefined {
    let known = this.#native.get(direction);
    if (!known && this.#factory) {
      known = this.#factory.getNativeRtpCapabilities({ direction });
      this.#native.set(direction, known);
    }
    return known;
  }
}

/** The handler of the browsers of today; others get what mediasoup-client finds for them. */
function handlerFactory(): types.HandlerFactory | undefined {
  switch (detectDevice()) {
    case "Chrome111":
      return Chrome111.createFactory({});
    case "Firefox120":
      return Firefox120.createFactory({});
    case "Safari12":
      return Safari12.createFactory({});
    default:
      return undefined;
  }
}
