// What hands do on the canvas: painting, moving the view, asking for a colour.

export class Hands {
  constructor(canvas) {
    this.canvas = canvas;
    this.picking = false; // a colour, while the pointer is down
  }

  get isFilled() {
    return this.canvas.isFilled;
  }

  get canPaint() {
    return this.canvas.isFilled && this.canvas.layer !== null;
  }

  // A page is scrolled past a canvas that nobody has touched yet.
  get wantsWheel() {
    return this.expanded || this.canvas.area === document.activeElement;
  }

  get expanded() {
    return this.canvas.looks.expanded;
  }

  begin(point, { erase, straight, pick }) {
    const { canvas } = this;
    if (point.type === "pen") canvas.tools.noticePen();
    this.picking = canvas.mode === "sketch" && (pick || canvas.tools.tool === "pipette");
    if (this.picking) return this.pick(point);
    canvas.painting.begin(canvas.layers, canvas.layer, this.onPicture(point), { erase, straight });
  }

  move(points) {
    if (this.picking) this.pick(points.at(-1));
    else if (this.canvas.painting.isBusy) this.canvas.painting.move(points.map((point) => this.onPicture(point)));
  }

  end() {
    if (this.picking) this.canvas.tools.picked();
    else if (this.canvas.painting.isBusy) this.canvas.painting.end();
    this.picking = false;
    this.canvas.drawButtons();
  }

  cancel() {
    if (this.canvas.painting.isBusy) this.canvas.painting.cancel();
    this.picking = false;
  }

  pick(point) {
    const color = this.canvas.looks.screen.colorAt(this.onPicture(point));
    if (color) this.canvas.tools.color = color;
  }

  hover(point) {
    this.canvas.looks.cursor.point = point;
    this.canvas.looks.drawCursor();
  }

  pan(across, down) {
    this.canvas.looks.look((view) => view.pan(across, down));
  }

  zoom(point, factor) {
    this.canvas.looks.look((view) => view.zoomAt(point, factor));
  }

  grow(steps) {
    if (this.canPaint) this.canvas.tools.grow(steps);
  }

  choose(tool) {
    if (this.canPaint) this.canvas.tools.choose(tool);
  }

  // A key is held that moves the view, or no more.
  moving(whether) {
    this.canvas.input.moves = whether;
    this.canvas.looks.drawCursor();
  }

  act(name) {
    this.canvas.act(name);
  }

  onPicture(point) {
    return { ...point, ...this.canvas.looks.view.toPicture(point) };
  }
}
