// Sounds for the patient, off until they are switched on: browsers allow sound only after a click.

const TONES = {in: [[440, 0.18], [554, 0.22]], out: [[554, 0.18], [440, 0.22]], hold: [[660, 0.3]], over: [[660, 0.18], [554, 0.18], [440, 0.4]]};

export class Sound {
  constructor() {
    this.context = null;
    this.last = null;
  }

  turn(on) {
    this.context?.close();
    this.context = on ? new AudioContext() : null;
    if (on) this.play("hold");
  }

  // Sound a cue once, when it changes.
  cue(key) {
    const changed = key !== this.last;
    this.last = key;
    if (changed) this.play(key);
  }

  play(key) {
    if (!this.context || !TONES[key]) return;
    let at = this.context.currentTime + 0.02;
    for (const [hz, lasts_s] of TONES[key]) {
      const tone = this.context.createOscillator(), loud = this.context.createGain();
      tone.frequency.value = hz;
      loud.gain.setValueAtTime(0, at);
      loud.gain.linearRampToValueAtTime(0.2, at + 0.02);
      loud.gain.linearRampToValueAtTime(0, at + lasts_s);
      tone.connect(loud).connect(this.context.destination);
      tone.start(at);
      tone.stop(at + lasts_s);
      at += lasts_s;
    }
  }
}
