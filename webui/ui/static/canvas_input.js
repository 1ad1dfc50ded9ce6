// Mouse, pen and fingers: one paints, two move and zoom; once a pen was seen, fingers only move.

const SECOND_FINGER = 300; // ms within which a second one shows that the first wasn't meant to paint
const LINE = 16; // pixels of a wheel that counts in lines
const ERASER = 5; // what a pen's other end, or its button, counts as
const WHEEL = 0.0016;
const PINCH = 0.01; // of a trackpad

export class Input {
  // `hears` is told in points on the screen, {x, y, pressure, type}, from the area's corner: whether it canPaint and
  // wantsWheel, begin, move, end, cancel, hover, pan, zoom, grow.
  constructor(area, hears, signal) {
    this.area = area;
    this.hears = hears;
    this.touches = new Map(); // the fingers on the area
    this.gesture = null; // {kind: "paint" | "pan" | "pinch", pointer, began}
    this.last = null; // where the gesture was last
    this.penSeen = false;
    this.moves = false; // while a key is held that moves the view
    this.controlHeld = false;
    const hear = (target, names, act) => names.forEach((name) => target.addEventListener(name, act, { signal, passive: false }));
    hear(area, ["pointerdown"], (event) => this.down(event));
    hear(area, ["pointermove"], (event) => this.move(event));
    hear(area, ["pointerup", "pointercancel"], (event) => this.up(event));
    hear(area, ["pointerleave"], () => !this.gesture && hears.hover(null));
    hear(area, ["wheel"], (event) => this.wheel(event));
    hear(area, ["contextmenu"], (event) => hears.canPaint && event.preventDefault());
    // A trackpad's pinch comes as a wheel with Ctrl, too, though no key is down.
    hear(window, ["keydown", "keyup"], (event) => (this.controlHeld = event.ctrlKey || event.metaKey));
    hear(window, ["blur"], () => (this.controlHeld = this.moves = false));
  }

  point({ clientX, clientY, pressure, pointerType }) {
    const { left, top } = this.area.getBoundingClientRect();
    return { x: clientX - left - this.area.clientLeft, y: clientY - top - this.area.clientTop, pressure, type: pointerType };
  }

  down(event) {
    if (event.target.closest("button, label, input, a")) return;
    const point = this.point(event);
    this.penSeen ||= event.pointerType === "pen";
    if (event.pointerType === "touch") return this.touched(event, point);
    if (event.pointerType === "pen" && this.gesture?.kind !== "paint") this.gesture = null;
    if (this.gesture) return;
    if (event.button === 1) event.preventDefault(); // or the page would scroll by itself
    this.begin(event, point, this.moves || event.button === 1 || !this.hears.canPaint ? "pan" : "paint");
  }

  touched(event, point) {
    if (this.gesture?.kind === "paint" && !this.touches.has(this.gesture.pointer)) return; // a palm beside the pen
    this.touches.set(event.pointerId, point);
    if (this.touches.size === 1) this.begin(event, point, this.penSeen || !this.hears.canPaint ? "pan" : "paint");
    if (this.touches.size !== 2) return;
    if (this.gesture?.kind === "paint") {
      if (performance.now() - this.gesture.began < SECOND_FINGER) this.hears.cancel();
      else this.hears.end();
    }
    this.area.setPointerCapture(event.pointerId);
    this.gesture = { kind: "pinch" };
    this.last = this.fingers;
  }

  begin(event, point, kind) {
    if (kind === "paint" && ![0, 2, ERASER].includes(event.button)) return;
    this.gesture = { kind, pointer: event.pointerId, began: performance.now() };
    this.last = point;
    this.area.setPointerCapture(event.pointerId);
    this.area.classList.toggle("dr-canvas-moving", kind === "pan");
    if (kind === "paint") this.hears.begin(point, { erase: event.button !== 0, straight: event.shiftKey, pick: event.altKey });
  }

  move(event) {
    const point = this.point(event);
    if (event.pointerType !== "touch") this.hears.hover(point);
    if (this.touches.has(event.pointerId)) this.touches.set(event.pointerId, point);
    if (this.gesture?.kind === "pinch") return this.pinch();
    if (!this.gesture || this.gesture.pointer !== event.pointerId) return;
    if (this.gesture.kind === "pan") this.hears.pan(point.x - this.last.x, point.y - this.last.y);
    else this.hears.move(this.inBetween(event));
    this.last = point;
  }

  // Where the pointer was since the last event; browsers bundle them once a frame.
  inBetween(event) {
    const all = event.getCoalescedEvents?.() ?? [];
    return (all.length ? all : [event]).map((one) => this.point(one));
  }

  // The middle of two fingers and how far they are apart.
  get fingers() {
    const [one, other] = this.touches.values();
    return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2, apart: Math.hypot(one.x - other.x, one.y - other.y) };
  }

  pinch() {
    const [before, now] = [this.last, this.fingers];
    this.hears.pan(now.x - before.x, now.y - before.y);
    if (before.apart && now.apart) this.hears.zoom(now, now.apart / before.apart);
    this.last = now;
  }

  up(event) {
    this.touches.delete(event.pointerId);
    const gesture = this.gesture;
    if (!gesture || (gesture.kind !== "pinch" && gesture.pointer !== event.pointerId)) return;
    // The finger that is left of two is not to paint.
    if (gesture.kind === "pinch" && this.touches.size === 1) {
      const [[pointer, point]] = this.touches;
      this.gesture = { kind: "pan", pointer };
      this.last = point;
      return;
    }
    this.gesture = null;
    this.area.classList.remove("dr-canvas-moving");
    if (gesture.kind !== "paint") return;
    if (event.type === "pointercancel" && event.pointerType === "touch") this.hears.cancel();
    else this.hears.end();
  }

  wheel(event) {
    const turned = (event.deltaY || event.deltaX) * (event.deltaMode ? LINE : 1);
    const resizes = (event.ctrlKey || event.metaKey) && this.controlHeld;
    const zooms = event.ctrlKey || event.shiftKey || event.altKey || this.hears.wantsWheel;
    if (!turned || !this.hears.isFilled || !(resizes || zooms)) return;
    event.preventDefault();
    if (resizes) return this.hears.grow(turned < 0 ? 1 : -1);
    this.hears.zoom(this.point(event), Math.exp(-turned * (event.ctrlKey ? PINCH : WHEEL)));
  }
}
