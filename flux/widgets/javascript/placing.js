// Where to draw the states of a map: cycles are rings, with transients as trees around them.

const sum = (values) => values.reduce((total, value) => total + value, 0);

function placeStates(following) {
  const traced = traceStates(following);
  const parents = following.map(() => []);
  traced.forEach(({ transient }, k) => {
    if (transient > 0) parents[following[k]].push(k);
  });
  const homes = [...new Set(traced.map(({ attractor }) => attractor))];
  const parts = homes.map((home) => placePart(home, following, parents));
  parts.sort((a, b) => b.points.length - a.points.length);
  const centres = packCircles(parts.map(({ radius }) => radius));
  const places = following.map(() => null);
  parts.forEach(({ points }, p) => {
    for (const { state, x, y } of points) places[state] = [x + centres[p][0], y + centres[p][1]];
  });
  return places;
}

// one attractor with all that leads to it, around the origin
function placePart(home, following, parents) {
  const cycle = [home];
  while (following[cycle[cycle.length - 1]] !== home)
    cycle.push(following[cycle[cycle.length - 1]]);
  const leaves = new Map();
  const countLeaves = (k) => {
    leaves.set(k, Math.max(1, sum(parents[k].map(countLeaves))));
    return leaves.get(k);
  };
  const mean = sum(cycle.map(countLeaves)) / cycle.length;
  // long cycles with a few large trees stay evenly spaced rings
  for (const k of cycle) leaves.set(k, Math.max(leaves.get(k), mean));
  const whole = sum(cycle.map((k) => leaves.get(k)));

  const levels = [];
  const place = (k, begin, level) => {
    const angle = Math.PI / 2 - (2 * Math.PI * (begin + leaves.get(k) / 2)) / whole;
    levels[level] ??= [];
    levels[level].push({ state: k, angle });
    let next = begin + (leaves.get(k) - sum(parents[k].map((l) => leaves.get(l)))) / 2;
    for (const l of parents[k]) {
      place(l, next, level + 1);
      next += leaves.get(l);
    }
  };
  let begin = 0;
  for (const k of cycle) {
    place(k, begin, 0);
    begin += leaves.get(k);
  }

  const points = levels.flatMap((level, depth) => {
    const radius = ringRadius(levels, depth);
    return level.map(({ state, angle }) => ({
      state,
      x: radius * Math.cos(angle),
      y: radius * Math.sin(angle),
    }));
  });
  const middle = (values) => (Math.min(...values) + Math.max(...values)) / 2;
  const [x0, y0] = [middle(points.map(({ x }) => x)), middle(points.map(({ y }) => y))];
  const centred = points.map(({ state, x, y }) => ({ state, x: x - x0, y: y - y0 }));
  return {
    points: centred,
    radius: 0.8 + Math.max(...centred.map(({ x, y }) => Math.hypot(x, y))),
  };
}

// each level is at least one step further out than the last, and has room for its states
function ringRadius(levels, depth) {
  const period = levels[0].length;
  if (depth === 0) return period === 1 ? 0 : Math.max(0.5, period / 7);
  return Math.max(ringRadius(levels, depth - 1) + 1, (0.16 * levels[depth].length) / Math.PI);
}

// centres of circles that do not overlap, each as near to the origin as it can be
function packCircles(radii) {
  const rays = Array.from({ length: 120 }, (_, k) => [
    Math.cos((k * Math.PI) / 60),
    Math.sin((k * Math.PI) / 60),
  ]);
  const centres = [];
  radii.forEach((radius) => {
    const places = rays.map(([dx, dy]) => {
      // the stretches of the ray that earlier circles block, passed one after the other
      const blocked = centres
        .map(([x, y], other) => {
          const along = dx * x + dy * y;
          const half = Math.sqrt((radii[other] + radius) ** 2 - (x * x + y * y - along * along));
          return [along - half, along + half];
        })
        .filter(([begin]) => !Number.isNaN(begin))
        .sort((a, b) => a[0] - b[0]);
      const distance = blocked.reduce(
        (at, [begin, end]) => (begin < at + 1e-9 ? Math.max(at, end) : at),
        0,
      );
      return [distance * dx, distance * dy];
    });
    centres.push(
      places.reduce((best, place) =>
        Math.hypot(place[0], place[1]) < Math.hypot(best[0], best[1]) - 1e-9 ? place : best,
      ),
    );
  });
  return centres;
}
