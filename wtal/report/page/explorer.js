const dataBlock = document.getElementById("data");
const DATA = dataBlock ? JSON.parse(dataBlock.textContent) : null;
const byId = (name) => document.getElementById(name);
const SVG = "http://www.w3.org/2000/svg";
const svg = (name, attributes) => {
  const element = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  return element;
};
const seconds = (start, end) => `${start.toFixed(1)} to ${end.toFixed(1)} s`;
const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

// A curve of bytes as steps over the whole width; `middle` is the byte that stands for 0.
function curveOf(text, name, middle = 0) {
  const bytes = bytesOf(text), n = bytes.length, rise = 255 - middle;
  const picture = svg("svg", { viewBox: `0 ${-rise} ${n} 255`, preserveAspectRatio: "none", "aria-hidden": "true" });
  let path = "M0,0";
  bytes.forEach((byte, index) => { path += `L${index},${middle - byte}L${index + 1},${middle - byte}`; });
  picture.append(svg("path", { class: name, d: `${path}L${n},0Z` }));
  return picture;
}
function lineOf(text, name) {
  const bytes = bytesOf(text);
  const picture = svg("svg", { viewBox: `0 -255 ${bytes.length} 255`, preserveAspectRatio: "none", "aria-hidden": "true" });
  picture.append(svg("polyline", { class: name, points: [...bytes].map((byte, index) => `${index + 0.5},${-byte}`).join(" ") }));
  return picture;
}
function trackOf(name, kind = "") {
  const place = make("div");
  const label = make("span", { textContent: name, title: name, dir: "auto" });
  return [make("div", { className: `track ${kind}` }, label, place), place];
}
function axisOf(length) {
  const [track, place] = trackOf("seconds", "axis");
  const step = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600].find((each) => length / each <= 8) ?? length;
  for (let second = 0; second <= length; second += step) {
    const tick = make("i", { textContent: String(second) });
    tick.style.left = `${(100 * second) / length}%`;
    place.append(tick);
  }
  return track;
}
function placed(element, start, end, length, height) {
  const left = Math.max(0, Math.min(start, length)), right = Math.max(left, Math.min(end, length));
  element.style.left = `${(100 * left) / length}%`;
  element.style.width = `${(100 * (right - left)) / length}%`;
  element.style.height = `${Math.max(8, Math.min(100, height))}%`;
  return element;
}
const tiouOf = (a, b) => {
  const shared = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[1], b[1]));
  return shared ? shared / (Math.max(a[2], b[2]) - Math.min(a[1], b[1])) : 0;
};

if (DATA) {
  const state = {
    video: DATA.videos[0]?.name, first: 0, second: Math.min(1, DATA.systems.length - 1), tiou: DATA.first_tiou,
    score: DATA.first_score, sort: "loses", kind: "", picked: "",
  };
  const [lowest, highest] = DATA.score_range;
  const span = highest - lowest || 1;
  const controls = { sort: byId("sort"), kind: byId("kind"), first: byId("first"), second: byId("second"), tiou: byId("tiou"), score: byId("score") };
  let order = [];

  const isFound = (instance, system) => (instance[3][system] >> state.tiou) & 1;
  const kindOf = (row) => Number(row[4][state.tiou]);
  const shownOf = (video, system) => video.detections[system].filter((row) => row[3] >= state.score);
  const nFound = (video, system) => video.truth.filter((instance) => isFound(instance, system)).length;
  const nWrong = (video, system) => shownOf(video, system).filter((row) => kindOf(row)).length;
  const keys = {
    loses: (video) => 1000 * (nFound(video, state.first) - nFound(video, state.second)) + nWrong(video, state.second) - nWrong(video, state.first),
    wrong: (video) => nWrong(video, state.second),
    missed: (video) => video.truth.length - nFound(video, state.second),
  };

  function sortVideos() {
    order = DATA.videos.filter((video) => state.kind === "" || shownOf(video, state.second).some((row) => kindOf(row) === Number(state.kind)));
    const key = keys[state.sort];
    const values = new Map(order.map((video) => [video, key ? key(video) : 0]));
    order.sort((a, b) => values.get(b) - values.get(a) || (a.name < b.name ? -1 : 1));
  }

  function drawList() {
    const items = order.map((video, index) => {
      const item = make("li", { id: `video-${index}` }, make("bdi", { textContent: video.name, title: video.name }),
        make("span", { textContent: `${nFound(video, state.first)} → ${nFound(video, state.second)} of ${video.truth.length}, ✗ ${nWrong(video, state.second)}` }));
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(video.name === state.video));
      item.addEventListener("click", () => choose(video.name));
      return item;
    });
    byId("list").replaceChildren(...items);
    byId("list-title").textContent = `${order.length} of ${DATA.videos.length} videos: instances found by the first → the second; ✗ false positives of the second`;
    markChosen();
  }
  function markChosen() {
    const list = byId("list"), index = order.findIndex((video) => video.name === state.video);
    [...list.children].forEach((item, position) => item.setAttribute("aria-selected", String(position === index)));
    if (index < 0) return list.removeAttribute("aria-activedescendant");
    list.setAttribute("aria-activedescendant", `video-${index}`);
    const item = list.children[index];
    if (item.offsetTop < list.scrollTop || item.offsetTop + item.offsetHeight > list.scrollTop + list.clientHeight)
      list.scrollTop = item.offsetTop - list.clientHeight / 3;
  }

  function whyDetection(video, system, row) {
    const [label, start, end, score, , same, other] = row, kind = kindOf(row), threshold = DATA.tiou[state.tiou];
    const best = (rows) => rows.reduce((a, b) => (tiouOf(row, b) > (a ? tiouOf(row, a) : 0) ? b : a), null);
    const own = best(video.truth.filter((each) => each[0] === label)), foreign = best(video.truth.filter((each) => each[0] !== label));
    const named = (each) => (each ? `${DATA.classes[each[0]]}, ${seconds(each[1], each[2])}` : "an instance");
    const share = (percent) => `tIoU ${(percent / 100).toFixed(2)}`;
    const reasons = [
      () => `it takes the instance ${named(own)} with ${share(same)}, at least ${threshold}.`,
      () => `an instance of its class reaches tIoU ${threshold} (${named(own)}, ${share(same)}), but a better-scored detection has it.`,
      () => `it overlaps ${named(foreign)} by ${share(other)}, which is of another class and reaches ${threshold}; with its own class at most ${share(same)}.`,
      () => `it overlaps most with ${named(own)}, of its own class, but by ${share(same)}, below ${threshold}: the bounds are off.`,
      () => `it overlaps most with ${named(foreign)}, of another class, by ${share(other)}, below ${threshold}.`,
      () => "no instance overlaps it by tIoU 0.1.",
    ];
    const kindName = DATA.kinds[kind];
    return `${kindName[0].toUpperCase()}${kindName.slice(1)}: ${reasons[kind]()} ${DATA.systems[system].title}: ${DATA.classes[label]}, ${seconds(start, end)}, score ${score}.`;
  }
  function whyInstance(instance) {
    const says = (system) => `${DATA.systems[system].title} ${isFound(instance, system) ? "finds" : "misses"} it`;
    const systems = [...new Set([state.first, state.second])];
    return `Instance ${DATA.classes[instance[0]]}, ${seconds(instance[1], instance[2])}: ${systems.map(says).join("; ")} at tIoU ${DATA.tiou[state.tiou]}.`;
  }

  function barOf(video, name, classes, row, height, words) {
    const bar = placed(make("button", { type: "button", className: `bar ${classes}`, tabIndex: -1 }), row[1], row[2], video.seconds, height);
    bar.dataset.name = name;
    bar.setAttribute("aria-label", words);
    bar.setAttribute("aria-pressed", String(state.picked === name));
    const tell = () => { byId("why").textContent = words; };
    bar.addEventListener("mouseenter", tell);
    bar.addEventListener("focus", tell);
    bar.addEventListener("click", () => {
      state.picked = name;
      document.querySelectorAll("#lanes .bar").forEach((each) => each.setAttribute("aria-pressed", String(each === bar)));
      const player = byId("player");
      if (!player.hidden) player.currentTime = row[1];
      bar.focus();
      tell();
      writeLink();
    });
    return bar;
  }

  function drawVideo() {
    const video = DATA.videos.find((each) => each.name === state.video), lanes = byId("lanes");
    if (!video) return;
    byId("video").replaceChildren(make("bdi", { textContent: video.name }));
    const systems = [...new Set([state.first, state.second])];
    const used = new Set([...video.truth.map((row) => row[0]), ...systems.flatMap((system) => shownOf(video, system).map((row) => row[0]))]);
    const built = [...used].sort((a, b) => a - b).map((label) => laneOf(video, label, systems));
    lanes.replaceChildren(axisOf(video.seconds), ...built);
    if (!built.length) lanes.append(make("p", { textContent: "No instance, and no detection with this score." }));
    const bars = [...lanes.querySelectorAll(".bar")];
    const picked = bars.find((bar) => bar.dataset.name === state.picked);
    (picked ?? bars[0])?.setAttribute("tabindex", "0");
    byId("why").textContent = picked ? picked.getAttribute("aria-label") : `${video.truth.length} instances; ${systems.map((system) => `${DATA.systems[system].title}: ${nFound(video, system)} found, ${nWrong(video, system)} false positives`).join("; ")}.`;
    drawRows(video, systems);
    const player = byId("player");
    player.hidden = !video.file;
    if (video.file && player.getAttribute("src") !== video.file) player.setAttribute("src", video.file);
  }
  function laneOf(video, label, systems) {
    const lane = make("div", { className: "lane" }, make("h4", { textContent: DATA.classes[label], dir: "auto" }));
    const [truth, place] = trackOf("truth", "truth");
    video.truth.forEach((row, index) => {
      if (row[0] !== label) return;
      place.append(barOf(video, `t.${index}`, isFound(row, state.second) ? "found" : "missed", row, 100, whyInstance(row)));
    });
    lane.append(truth);
    for (const system of systems) {
      const [track, held] = trackOf(DATA.systems[system].title), curves = video.curves?.[system];
      if (curves?.scores?.[label]) held.append(curveOf(curves.scores[label], "scores"), lineOf(curves.attention, "attention"));
      const rows = video.detections[system].map((row, index) => [row, index]).filter(([row]) => row[0] === label && row[3] >= state.score);
      rows.forEach(([row, index]) => {
        const faint = state.kind !== "" && kindOf(row) !== Number(state.kind) ? " faint" : "";
        held.append(barOf(video, `${system}.${index}`, `k${kindOf(row)}${faint}`, row, (100 * (row[3] - Math.min(0, lowest))) / (highest - Math.min(0, lowest) || 1), whyDetection(video, system, row)));
      });
      lane.append(track);
    }
    return lane;
  }
  function drawRows(video, systems) {
    const cell = (text, isNumber) => make("td", { textContent: text, className: isNumber ? "number" : "" });
    byId("rows").replaceChildren(...systems.flatMap((system) => shownOf(video, system).map((row) => {
      const head = make("th", { textContent: DATA.systems[system].title, scope: "row" });
      return make("tr", {}, head, cell(DATA.classes[row[0]]), cell(row[1].toFixed(2), true), cell(row[2].toFixed(2), true), cell(String(row[3]), true), cell(DATA.kinds[kindOf(row)]));
    })));
  }

  function readControls() {
    const score = lowest + (span * Number(controls.score.value)) / 200;
    Object.assign(state, { sort: controls.sort.value, kind: controls.kind.value, first: Number(controls.first.value), second: Number(controls.second.value), tiou: Number(controls.tiou.value), score: Number(controls.score.value) ? score : lowest });
  }
  function showControls() {
    Object.assign(controls.sort, { value: state.sort });
    controls.kind.value = state.kind;
    controls.first.value = String(state.first);
    controls.second.value = String(state.second);
    controls.tiou.value = String(state.tiou);
    controls.score.value = String(Math.floor((200 * (state.score - lowest)) / span));
    showOutputs();
  }
  function showOutputs() {
    const shown = `${Number(state.score.toPrecision(3))}`;
    byId("tiou-shown").textContent = DATA.tiou[state.tiou];
    byId("score-shown").textContent = shown;
    controls.tiou.setAttribute("aria-valuetext", `tIoU ${DATA.tiou[state.tiou]}`);
    controls.score.setAttribute("aria-valuetext", `score ${shown}`);
  }
  function writeLink() {
    const link = new URLSearchParams({ video: state.video ?? "", first: DATA.systems[state.first].name, second: DATA.systems[state.second].name, tiou: DATA.tiou[state.tiou], score: state.score, sort: state.sort, kind: state.kind, bar: state.picked });
    history.replaceState(null, "", `#explorer?${link}`);
  }
  function readLink() {
    if (!location.hash.startsWith("#explorer?")) return false;
    const link = new URLSearchParams(location.hash.slice("#explorer?".length));
    const numberOf = (name, known) => Math.max(0, known.indexOf(link.get(name)));
    const names = DATA.systems.map((system) => system.name);
    if (link.has("first")) state.first = numberOf("first", names);
    if (link.has("second")) state.second = numberOf("second", names);
    if (link.has("tiou")) state.tiou = numberOf("tiou", DATA.tiou.map(String));
    if (Number.isFinite(Number(link.get("score") || NaN))) state.score = Number(link.get("score"));
    if (link.get("sort") in keys || link.get("sort") === "name") state.sort = link.get("sort");
    if (link.get("kind") in DATA.kinds || link.get("kind") === "") state.kind = link.get("kind");
    if (DATA.videos.some((video) => video.name === link.get("video"))) state.video = link.get("video");
    state.picked = link.get("bar") ?? "";
    return true;
  }

  function drawAll() {
    sortVideos();
    drawList();
    drawVideo();
  }
  function choose(name, link = true) {
    Object.assign(state, { video: name, picked: "" });
    markChosen();
    drawVideo();
    if (link) writeLink();
  }
  function step(by) {
    const index = order.findIndex((video) => video.name === state.video);
    const next = order[Math.max(0, Math.min(order.length - 1, index + by))];
    if (next && next.name !== state.video) choose(next.name);
  }
  function start() {
    const linked = readLink();
    sortVideos();
    if (!linked || !state.video) state.video = order[0]?.name;
    showControls();
    drawAll();
    return linked;
  }

  for (const [name, control] of Object.entries(controls)) {
    control.addEventListener("input", () => {
      readControls();
      showOutputs();
      state.picked = "";
      sortVideos();
      if (name === "sort" || (name === "kind" && !order.some((video) => video.name === state.video))) state.video = order[0]?.name ?? state.video;
      drawAll();
      writeLink();
    });
  }
  byId("zoom").addEventListener("input", () => {
    const view = byId("window"), middle = (view.scrollLeft + view.clientWidth / 2) / view.scrollWidth;
    byId("lanes").style.width = `${100 * Number(byId("zoom").value)}%`;
    view.scrollLeft = middle * view.scrollWidth - view.clientWidth / 2;
    view.tabIndex = view.scrollWidth > view.clientWidth ? 0 : -1;
  });
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("copy-link").addEventListener("click", () => { writeLink(); copyText(location.href, "the link to this view"); });
  byId("list").addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1, Home: -order.length, End: order.length, PageDown: 10, PageUp: -10 }[event.key];
    if (!by) return;
    event.preventDefault();
    step(by);
  });
  byId("lanes").addEventListener("keydown", (event) => {
    const bars = [...byId("lanes").querySelectorAll(".bar")], index = bars.indexOf(document.activeElement);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
      byId("lanes").querySelector(".bar")?.focus();
      return;
    }
    const by = { ArrowRight: 1, ArrowLeft: -1, Home: -bars.length, End: bars.length }[event.key];
    if (!by || index < 0) return;
    event.preventDefault();
    const next = bars[Math.max(0, Math.min(bars.length - 1, index + by))];
    bars[index].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
  document.querySelectorAll("[data-kind]").forEach((link) => link.addEventListener("click", () => {
    controls.kind.value = link.dataset.kind;
    controls.sort.value = "wrong";
    readControls();
    sortVideos();
    if (!order.length) controls.score.value = "0"; // all of them score less
    controls.sort.dispatchEvent(new Event("input"));
    setTimeout(writeLink);
  }));
  byId("explorer-app").hidden = false;
  byId("fallback").open = false;
  if (start()) byId("explorer").scrollIntoView({ behavior: "instant" }); // a link opens there, it does not travel
  addEventListener("hashchange", () => { if (location.hash.startsWith("#explorer?")) start(); });
}
