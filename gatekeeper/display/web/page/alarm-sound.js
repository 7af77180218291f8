// Sound of the alarms: bursts of pulses whose rhythm tells the tiers apart, as IEC 60601-1-8 describes them.

export const PAUSE_S = 120;
const HARMONICS = [0, 1, 0.7, 0.5, 0.4, 0.3], LOUD = 0.25, EDGE = 0.15;  // loudness of the harmonics and of all, and the share of a pulse in which it rises
const TICK_MS = 200;
// Of each tier: its tone in Hz, length of a pulse, beginnings of the pulses, and silence before the next burst, in seconds.
const GROUP = [0, 0.22, 0.44, 0.88, 1.1];
export const BURSTS = {
  low: {hz: 262, pulse: 0.2, begin: [0, 0.4], rest: 20},
  medium: {hz: 330, pulse: 0.2, begin: [0, 0.4, 0.8], rest: 7},
  high: {hz: 440, pulse: 0.12, begin: [...GROUP, ...GROUP.map((one) => one + 1.72)], rest: 4},
};
const RANK = ["low", "medium", "high"];

// Decides when a burst begins; times are seconds of any clock.
export class Rhythm {
  constructor() {
    this.on = false;
    this.tier = null;
    this.next = 0;
    this.until = null;  // end of a pause
    this.paused = null;  // what was to be heard when it began
  }

  // Take the tier that is to be heard, or null; return whether a burst begins now.
  beat(tier, now) {
    const graver = RANK.indexOf(tier) > RANK.indexOf(this.tier);
    if (RANK.indexOf(tier) > RANK.indexOf(this.paused) || this.left(now) === 0) this.resume();
    this.tier = BURSTS[tier] ? tier : null;
    if (!this.on || !this.tier || this.until !== null || (now < this.next && !graver)) return false;
    const {begin, pulse, rest} = BURSTS[tier];
    this.next = now + begin.at(-1) + pulse + rest;
    return true;
  }

  // Be quiet for a while; an alarm graver than that of this moment is heard all the same.
  pause(now) {
    this.until = now + PAUSE_S;
    this.paused = this.tier;
  }

  resume() {
    if (this.until === null) return;
    this.until = this.paused = null;
    this.next = 0;
  }

  // Return the seconds that are left of a pause, or null.
  left(now) {
    return this.until === null ? null : Math.max(this.until - now, 0);
  }
}

export class Sound {
  constructor(changed) {
    this.rhythm = new Rhythm();
    this.changed = changed;
    this.wanted = null;
    setInterval(() => this.tick(), TICK_MS);
  }

  get now() {
    return performance.now() / 1000;
  }

  // A browser lets a page sound only after a click.
  turn(on) {
    this.rhythm.on = on;
    this.rhythm.resume();
    this.rhythm.next = 0;
    if (on) {
      this.context ??= new AudioContext();
      this.context.resume();
    } else {
      this.context?.suspend();
    }
    this.tick();
  }

  pause() {
    if (this.rhythm.until === null) this.rhythm.pause(this.now); else this.rhythm.resume();
    this.tick();
  }

  tick() {
    if (this.rhythm.beat(this.wanted, this.now)) this.play(BURSTS[this.wanted]);
    this.changed(this.rhythm.on, this.rhythm.left(this.now));
  }

  play({hz, pulse, begin}) {
    const {context} = this, wave = context.createPeriodicWave(new Float32Array(HARMONICS.length), new Float32Array(HARMONICS));
    for (const after of begin) {
      const from = context.currentTime + after, tone = context.createOscillator(), loud = context.createGain();
      tone.setPeriodicWave(wave);
      tone.frequency.value = hz;
      loud.gain.setValueAtTime(0, from);
      loud.gain.linearRampToValueAtTime(LOUD, from + EDGE * pulse);
      loud.gain.setValueAtTime(LOUD, from + (1 - EDGE) * pulse);
      loud.gain.linearRampToValueAtTime(0, from + pulse);
      tone.connect(loud).connect(context.destination);
      tone.start(from);
      tone.stop(from + pulse);
    }
  }
}
