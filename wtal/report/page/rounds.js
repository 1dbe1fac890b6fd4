// Training videos round by round: what a round learns from, and what the labels become.
if (DATA?.training?.length) {
  const clip = byId("clip"), round = byId("round"), why = byId("round-why");

  const tell = (element, words) => {
    element.addEventListener("mouseenter", () => { why.textContent = words; });
    element.title = words;
    return element;
  };
  function proposalsOf(video, rows) {
    const [track, place] = trackOf(`${rows.length} proposals`);
    const clusters = Math.max(...rows.map((row) => row[3]), 0) + 1;
    rows.forEach(([start, end, contrast, cluster, weight]) => {
      const bar = placed(make("div", { className: "bar proposal" }), start, end, video.seconds, 10);
      bar.style.bottom = cluster < 0 ? "0" : `${(85 * cluster) / clusters}%`;
      bar.style.opacity = String(cluster < 0 ? 0.5 : 0.15 + 0.85 * weight);
      const where = cluster < 0 ? "" : `, cluster ${cluster + 1} of ${clusters}, weight ${weight}`;
      place.append(tell(bar, `Proposal ${seconds(start, end)}, contrast ${contrast}${where}.`));
    });
    return track;
  }
  function laneOfRound(video, shown, label, lane) {
    const [truth, place] = trackOf("truth (hidden)", "truth");
    video.truth.filter((row) => row[0] === label).forEach((row) => {
      place.append(tell(placed(make("div", { className: "bar found" }), row[1], row[2], video.seconds, 100), `Instance ${DATA.classes[label]}, ${seconds(row[1], row[2])}.`));
    });
    const [scores, curve] = trackOf("snippet scores");
    curve.append(curveOf(shown.scores[lane], "scores"));
    const [fused, segments] = trackOf("segments");
    const best = Math.max(...shown.segments[lane].map((row) => row[2]), 1e-9);
    shown.segments[lane].forEach(([start, end, score]) => {
      segments.append(tell(placed(make("div", { className: "bar segment" }), start, end, video.seconds, (100 * score) / best), `Segment ${seconds(start, end)}, score ${score}.`));
    });
    const [labels, held] = trackOf(`pseudo labels, up to ${shown.label_ceiling}`);
    held.append(curveOf(shown.labels[lane], "scores"));
    const tracks = [truth, scores, proposalsOf(video, shown.proposals[lane]), fused, labels];
    if (shown.delta) {
      const [delta, change] = trackOf(`Δ, up to ± ${shown.delta_ceiling}`);
      change.append(curveOf(shown.delta[lane], "scores", 128));
      tracks.push(delta);
    }
    return make("div", { className: "lane" }, make("h4", { textContent: DATA.classes[label], dir: "auto" }), ...tracks);
  }
  function drawRound() {
    const video = DATA.training[Number(clip.value)], shown = video.rounds[Number(round.value) - 1];
    byId("round-shown").textContent = round.value;
    byId("round-lanes").replaceChildren(axisOf(video.seconds), ...video.classes.map((label, lane) => laneOfRound(video, shown, label, lane)));
    why.textContent = `Round ${round.value}: ${video.classes.map((label, lane) => `${DATA.classes[label]} ${shown.proposals[lane].length} proposals, ${shown.segments[lane].length} segments`).join("; ") || "no class"}.`;
  }
  clip.addEventListener("input", drawRound);
  round.addEventListener("input", drawRound);
  byId("training-app").hidden = false;
  drawRound();
}
