import Emu

/// Call stacks with counts as one picture that opens in any browser, after Brendan Gregg's flame graphs: a box for each function on
/// each way to it, as wide as what was counted in it and in what it called. A click makes one as wide as the picture.
public enum FlameGraph {
  private static let width = 1200.0
  private static let margin = 10.0
  private static let rowHeight = 17.0
  private static let top = 58.0
  /// Nobody sees a narrower one.
  private static let narrowest = 0.05
  private static let characterWidth = 6.62

  private struct Box {
    let name: String
    let depth: Int
    let start: UInt64
    var end: UInt64
  }

  /// - Parameters:
  ///   - stacks: outermost first, sorted by their names; none twice.
  ///   - unit: of counts, in the plural.
  public static func write(
    _ stacks: [(frames: [String], count: UInt64)], title: String, unit: String = "instructions"
  ) -> [UInt8] {
    let boxes = boxes(stacks)
    let total = max(boxes.first?.end ?? 1, 1)
    let depth = (boxes.map(\.depth).max() ?? 0) + 1
    let height = top + Double(depth) * rowHeight + 34
    let scale = (width - 2 * margin) / Double(total)
    var svg = SVGText()
    svg.line(
      """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(SVGText.fixed(width)) \
      \(SVGText.fixed(height))" preserveAspectRatio="xMidYMin" class="paper" font-family="ui-monospace,'DejaVu Sans Mono',monospace" \
      font-size="11">
      """)
    svg.line("<title>\(SVGText.escaped(title))</title>")
    svg.line(style)
    svg.text(margin, 24, title, "title")
    svg.text(margin, 42, "\(Quantity.grouped(total)) \(unit)", "say")
    svg.line(
      """
      <text class="link" id="reset" x="\(SVGText.fixed(width - 170))" y="24" tabindex="0">show all</text>
      <text class="link" id="search" x="\(SVGText.fixed(width - 80))" y="24" tabindex="0">search</text>
      <text class="say" id="found" x="\(SVGText.fixed(width - margin))" y="42" text-anchor="end"></text>
      <g id="boxes">
      """)
    for box in boxes {
      let (x, w) = (Double(box.start) * scale, Double(box.end - box.start) * scale)
      if w < narrowest { continue }
      add(
        box, x: x, width: w, y: top + Double(depth - 1 - box.depth) * rowHeight,
        share: Double(box.end - box.start) / Double(total), unit: unit, &svg)
    }
    svg.line("</g>")
    svg.text(margin, height - 12, " ", "say", id: "detail")
    svg.line("<script><![CDATA[\n\(script)]]></script>")
    svg.line("</svg>")
    return svg.bytes
  }

  private static func boxes(_ stacks: [(frames: [String], count: UInt64)]) -> [Box] {
    var boxes = [Box(name: "all", depth: 0, start: 0, end: 0)]
    var open: [Int] = []
    var (path, end): ([String], UInt64) = ([], 0)
    for (frames, count) in stacks {
      let shared = zip(path, frames).prefix { $0 == $1 }.count
      open.removeLast(open.count - shared)
      for (place, name) in frames.enumerated().dropFirst(shared) {
        open.append(boxes.count)
        boxes.append(Box(name: name, depth: place + 1, start: end, end: end))
      }
      path = frames
      end += count
      for place in [0] + open { boxes[place].end = end }
    }
    return boxes
  }

  private static func add(
    _ box: Box, x: Double, width: Double, y: Double, share: Double, unit: String,
    _ svg: inout SVGText
  ) {
    let name = SVGText.escaped(box.name)
    let count = Quantity.grouped(box.end - box.start)
    let fixed = { (value: Double) in SVGText.fixed(value, decimals: 2) }
    let letters = Int((width - 6) / characterWidth)
    let label =
      letters < 3
      ? ""
      : box.name.count <= letters ? box.name : box.name.prefix(letters - 1) + "…"
    svg.line(
      #"<g tabindex="0" data-n="\#(name)"><title>\#(name): \#(count) \#(unit), "#
        + #"\#(Quantity.percent(share))</title><rect x="\#(fixed(x + margin))" y="\#(fixed(y))" "#
        + #"width="\#(fixed(width))" height="16" rx="1.5" fill="\#(colour(box))"/>"#
        + #"<text x="\#(fixed(x + margin + 3))" y="\#(fixed(y + 11.7))">\#(SVGText.escaped(label))</text></g>"#
    )
  }

  /// The same for the same name, everywhere; what is no function is told apart.
  private static func colour(_ box: Box) -> String {
    if box.depth == 0 || box.name.hasPrefix("hart ") { return "#c9ccd2" }
    let hash = box.name.utf8.reduce(2_166_136_261 as UInt32) { ($0 ^ UInt32($1)) &* 16_777_619 }
    let (tint, light) = (hash % 40, 66 + hash >> 8 % 12)
    return box.name.hasPrefix("[")
      ? "hsl(\(215 + tint) 70% \(light + 6)%)" : "hsl(\(14 + tint) 85% \(light)%)"
  }

  private static let style = """
    <style>
    .paper{background:#fff}.title{fill:#1d1f23;font-size:14px;font-weight:600}.say{fill:#5c6370}
    .link{fill:#1d63d8;cursor:pointer}#boxes text{fill:#16181b;pointer-events:none}
    #boxes g{cursor:pointer;outline:none}#boxes g:hover rect,#boxes g:focus rect{stroke:#1d1f23}
    #boxes g.outer{opacity:.55}#boxes g.found rect{fill:#c084fc}
    @media(prefers-color-scheme:dark){.paper{background:#15171a}.title{fill:#e8e9eb}.say{fill:#a5abb5}
    .link{fill:#6ea8ff}#boxes g:hover rect,#boxes g:focus rect{stroke:#fff}}
    </style>
    """

  private static let script = """
    "use strict";
    const W = \(Int(width - 2 * margin)), M = \(Int(margin)), C = \(characterWidth);
    const $ = id => document.getElementById(id), boxes = [...$("boxes").children];
    for (const g of boxes) {
      const r = g.querySelector("rect");
      g.x = r.x.baseVal.value - M; g.w = r.width.baseVal.value; g.y = r.y.baseVal.value;
      g.onclick = () => zoom(g);
      g.onkeydown = e => { if (e.key === "Enter") zoom(g); };
      g.onmouseenter = g.onfocus = () => { $("detail").textContent = g.querySelector("title").textContent; };
      g.onmouseleave = () => { $("detail").textContent = " "; };
    }
    function zoom(to) {
      const k = W / to.w, e = .01;
      for (const g of boxes) {
        const r = g.querySelector("rect"), t = g.querySelector("text");
        const outer = g.y >= to.y && g.x <= to.x + e && g.x + g.w >= to.x + to.w - e;
        const x = outer ? 0 : (g.x - to.x) * k, w = outer ? W : g.w * k;
        g.style.display = x < -e || x + w > W + .5 ? "none" : "";
        g.classList.toggle("outer", outer && g !== to);
        r.setAttribute("x", x + M); r.setAttribute("width", w); t.setAttribute("x", x + M + 3);
        const n = g.dataset.n, letters = Math.floor((w - 6) / C);
        t.textContent = letters < 3 ? "" : n.length <= letters ? n : n.slice(0, letters - 1) + "…";
      }
    }
    function find(words) {
      let sum = 0, end = -1;
      const found = boxes.filter(g => g.classList.toggle("found", words !== "" && g.dataset.n.includes(words)));
      for (const g of found.sort((a, b) => a.x - b.x || b.w - a.w)) {
        if (g.x + 1e-6 < end) continue;
        sum += g.w; end = g.x + g.w;
      }
      $("found").textContent = words === "" ? "" : `"${words}": ${(100 * sum / W).toFixed(1)} %`;
    }
    $("reset").onclick = () => { zoom(boxes[0]); find(""); };
    $("search").onclick = () => { const words = prompt("Name, or a part of it:"); if (words !== null) find(words); };
    for (const id of ["reset", "search"]) $(id).onkeydown = e => { if (e.key === "Enter") $(id).onclick(); };

    """
}
