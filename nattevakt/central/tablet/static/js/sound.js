// What the tablet sounds like. Owns the audio context, the pulses of each priority and the repeating.
// Must not know alarms beyond their priority, or how the page looks.
//
// Modelled on the bursts of medical alarm systems (ten, three and two pulses); nothing is claimed.

/** @typedef {1 | 2 | 3 | "technical" | "test"} Tone */
/** @typedef {{at: number, length: number}} Pulse seconds from the start of the burst */

const BASE_HZ = 523.25;
const TECHNICAL_HZ = 330;
// Fundamental and four harmonics between 1000 and 2700 Hz, all within 15 dB of it.
const HARMONICS = [0, 1, 0.6, 0.5, 0.4, 0.3];
const RAMP_S = 0.015;
const SOFT_HZ = 392;
const SOFT_S = 0.6;
const SOFT_GAIN = 0.2;
/** @type {Record<string, number>} pause after a burst before it comes again */
const PAUSE_S = { 1: 3, 2: 8, 3: 20, technical: 10 };

/**
 * The pulses of one burst. Pure.
 * @param {Tone} tone
 * @returns {Pulse[]}
 */
export function pulses(tone) {
  if (tone === 1) {
    const half = [0, 0.25, 0.5, 1.0, 1.25];
    return [...half, ...half.map((at) => at + 2.2)].map((at) => ({ at, length: 0.15 }));
  }
  if (tone === 2) return [0, 0.4, 0.8].map((at) => ({ at, length: 0.2 }));
  if (tone === "test") return [0, 0.4, 0.8].map((at) => ({ at, length: 0.2 }));
  return [0, 0.4].map((at) => ({ at, length: 0.2 }));
}

/** How long one burst lasts, in seconds. @param {Tone} tone */
export function duration(tone) {
  return Math.max(...pulses(tone).map((pulse) => pulse.at + pulse.length));
}

/**
 * Put one burst into an audio context, from its time `start` on. Also used with an OfflineAudioContext.
 * @param {BaseAudioContext} context
 * @param {Tone} tone
 * @param {number} start
 * @param {AudioNode} [out]
 */
export function schedule(context, tone, start, out = context.destination) {
  const wave = context.createPeriodicWave(new Float32Array(HARMONICS.length), new Float32Array(HARMONICS));
  for (const pulse of pulses(tone)) {
    const oscillator = context.createOscillator();
    const gain = context.createGain();
    oscillator.setPeriodicWave(wave);
    oscillator.frequency.value = tone === "technical" ? TECHNICAL_HZ : BASE_HZ;
    const from = start + pulse.at;
    const to = from + pulse.length;
    gain.gain.setValueAtTime(0, from);
    gain.gain.linearRampToValueAtTime(0.8, from + RAMP_S);
    gain.gain.setValueAtTime(0.8, to - RAMP_S);
    gain.gain.linearRampToValueAtTime(0, to);
    oscillator.connect(gain).connect(out);
    oscillator.start(from);
    oscillator.stop(to + 0.01);
  }
}

/**
 * One soft tone without harmonics, deeper and at a quarter of an alarm's strength. Gives when it ends.
 * @param {BaseAudioContext} context
 * @param {number} start
 */
export function scheduleSoft(context, start) {
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  const end = start + SOFT_S;
  oscillator.type = "sine";
  oscillator.frequency.value = SOFT_HZ;
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(SOFT_GAIN, start + SOFT_S / 4);
  gain.gain.linearRampToValueAtTime(0, end);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(start);
  oscillator.stop(end + 0.01);
  return end;
}

export class Sounder {
  /** @param {() => void} onState called whenever `running` may have changed */
  constructor(onState) {
    this.onState = onState;
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {Tone | null} what sounds again and again */
    this.repeating = null;
    this.busy_until = 0;
    this.bursts = 0;
    setInterval(() => this.tick(), 200);
  }

  get running() {
    return this.context?.state === "running";
  }

  get state() {
    return this.context?.state ?? "suspended";
  }

  /** Unlock the sound; call it from a click. */
  async start() {
    if (!this.context) {
      this.context = new AudioContext({ latencyHint: "interactive" });
      this.context.addEventListener("statechange", () => this.onState());
    }
    await this.context.resume();
    this.onState();
  }

  /** Try to get the sound back where the browser took it, without a click. */
  async recover() {
    if (this.context && !this.running) await this.context.resume().catch(() => undefined);
    this.onState();
  }

  /**
   * Sound one burst now. Resolves with whether it was really played to its end.
   * @param {Tone} tone
   * @returns {Promise<boolean>}
   */
  play(tone) {
    const context = this.context;
    if (!context || !this.running) return Promise.resolve(false);
    const start = Math.max(context.currentTime + 0.02, this.busy_until);
    const end = start + duration(tone);
    schedule(context, tone, start);
    this.busy_until = end + 0.3;
    this.bursts += 1;
    return this.until(context, end);
  }

  /**
   * One quiet tone, for what is no alarm. It takes no turn: what sounds for an alarm never waits for it.
   * @returns {Promise<boolean>} whether it was really played to its end
   */
  soft() {
    const context = this.context;
    if (!context || !this.running) return Promise.resolve(false);
    return this.until(context, scheduleSoft(context, context.currentTime + 0.02));
  }

  /** @param {AudioContext} context @param {number} end @returns {Promise<boolean>} */
  until(context, end) {
    return new Promise((done) => {
      const check = () => {
        if (!this.running) done(false);
        else if (context.currentTime >= end) done(true);
        else setTimeout(check, 50);
      };
      check();
    });
  }

  /** What is to sound until further notice; null for silence. @param {Tone | null} tone */
  repeat(tone) {
    this.repeating = tone;
  }

  tick() {
    const context = this.context;
    const tone = this.repeating;
    if (!context || !this.running || tone === null) return;
    if (context.currentTime > this.busy_until + (PAUSE_S[tone] ?? 10)) void this.play(tone);
  }
}
