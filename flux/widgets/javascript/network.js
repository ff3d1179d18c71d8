// The model of the package: W[i][j] is the weight from neuron j to neuron i, and bit i of a
// state's code belongs to neuron i. Everything here is tested against the Python functions.

const sigmoid = (u) => 1 / (1 + Math.exp(-u));

const decode = (code, n) => Array.from({ length: n }, (_, i) => ((code >> i) & 1 ? 1 : -1));

const localField = (row, bias, x) => row.reduce((u, weight, j) => u + weight * x[j], bias);

const localFields = (W, b, x) => W.map((row, i) => localField(row, b[i], x));

const noBias = (W) => W.map(() => 0);

const scaled = (M, factor) => M.map((row) => row.map((value) => factor * value));

// h2(sigma(u)) in bits, without cancellation for large u
function fieldEntropy(u) {
  const away = Math.abs(u);
  const ebb = Math.exp(-away);
  return (Math.log1p(ebb) + (away * ebb) / (1 + ebb)) / Math.LN2;
}

function entropy(p) {
  return p.reduce((sum, q) => (q > 0 ? sum - q * Math.log2(q) : sum), 0);
}

// P[k][l] = Pr(l | k), the product of every neuron's probability
function transitionMatrix(W, b) {
  const n = W.length;
  return Array.from({ length: 2 ** n }, (_, k) => {
    const row = new Float64Array(2 ** n);
    row[0] = 1;
    localFields(W, b, decode(k, n)).forEach((u, i) => {
      for (let l = 0; l < 2 ** i; l++) {
        row[l + 2 ** i] = row[l] * sigmoid(u);
        row[l] *= sigmoid(-u);
      }
    });
    return row;
  });
}

// Grassmann, Taksar and Heyman's elimination: no subtraction, so no loss of digits
function stationaryLaw(P) {
  const A = P.map((row) => Float64Array.from(row));
  for (let k = A.length - 1; k > 0; k--) {
    const leave = A[k].subarray(0, k).reduce((sum, p) => sum + p, 0);
    for (let i = 0; i < k; i++) {
      A[i][k] /= leave;
      for (let j = 0; j < k; j++) A[i][j] += A[i][k] * A[k][j];
    }
  }
  const pi = new Float64Array(A.length);
  pi[0] = 1;
  for (let k = 1; k < A.length; k++) {
    for (let i = 0; i < k; i++) pi[k] += pi[i] * A[i][k];
  }
  const total = pi.reduce((sum, p) => sum + p, 0);
  return pi.map((p) => p / total);
}

// without bias a state and its opposite are alike: only those with the last neuron at -1 are kept
function lawOfPairs(W) {
  const size = 2 ** W.length;
  const whole = transitionMatrix(W, noBias(W)).slice(0, size / 2);
  return stationaryLaw(
    whole.map((row) => row.slice(0, size / 2).map((p, l) => p + row[size - 1 - l])),
  );
}

// I = H - D in bits per step
function exactFlux(W, b = noBias(W)) {
  const paired = b.every((bias) => bias === 0);
  const pi = paired ? lawOfPairs(W) : stationaryLaw(transitionMatrix(W, b));
  const noise = (k) =>
    localFields(W, b, decode(k, W.length)).reduce((sum, u) => sum + fieldEntropy(u), 0);
  const H = entropy(pi) + (paired ? 1 : 0);
  const D = pi.reduce((sum, p, k) => sum + p * noise(k), 0);
  return { I: H - D, H, D };
}

// the sign of the exact sum of doubles, by Shewchuk's expansion
function exactSign(terms) {
  const parts = [];
  for (let term of terms) {
    let kept = 0;
    for (let part of parts) {
      if (Math.abs(term) < Math.abs(part)) [term, part] = [part, term];
      const sum = term + part;
      const lost = part - (sum - term);
      if (lost !== 0) parts[kept++] = lost;
      term = sum;
    }
    parts.length = kept;
    if (term !== 0) parts.push(term);
  }
  return parts.length ? Math.sign(parts[parts.length - 1]) : 0;
}

// the successor of every state without noise; a neuron whose field is zero keeps its spin
function successors(W, b) {
  const n = W.length;
  return Array.from({ length: 2 ** n }, (_, code) => {
    const x = decode(code, n);
    return W.reduce((next, row, i) => {
      const sign = exactSign([b[i], ...row.map((weight, j) => weight * x[j])]) || x[i];
      return sign > 0 ? next | (1 << i) : next;
    }, 0);
  });
}

// for every state the smallest code on its cycle, the steps to the cycle, and the period
function traceStates(following) {
  const states = following.map((_, k) => k);
  const inside = states.map(() => false);
  for (const k of states) inside[states.reduce((at) => following[at], k)] = true;
  const walk = (k) => {
    const path = [];
    while (!inside[k]) {
      path.push(k);
      k = following[k];
    }
    const cycle = [k];
    while (following[cycle[cycle.length - 1]] !== k) cycle.push(following[cycle[cycle.length - 1]]);
    return { attractor: Math.min(...cycle), transient: path.length, period: cycle.length };
  };
  return states.map(walk);
}

// a small fast counting generator (Doty-Humphrey's sfc32): numbers from 0 to 1
function randomNumbers(seed) {
  let [a, b, c, count] = [0x9e3779b9, 0x243f6a88, seed | 0, 1];
  const next = () => {
    const t = (((a + b) | 0) + count) | 0;
    count = (count + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return (t >>> 0) / 2 ** 32;
  };
  for (let k = 0; k < 15; k++) next();
  return next;
}

// magnitudes are half-normal, present with probability density, positive with (1 + balance) / 2
function gaussianWeights(n, { width, density, balance, seed }) {
  const random = randomNumbers(seed);
  const draw = () => {
    // all four numbers are used up whatever the parameters, so that sliders bend one network
    const [radius, turn, side, there] = [random(), random(), random(), random()];
    const size =
      width * Math.sqrt(-2 * Math.log1p(-radius)) * Math.abs(Math.cos(2 * Math.PI * turn));
    return there < density ? (side < (1 + balance) / 2 ? size : -size) : 0;
  };
  return Array.from({ length: n }, () => Array.from({ length: n }, draw));
}

// one weight of either sign in each row and column, at places that the seed decides
function nrooks(n, strength, seed) {
  const random = randomNumbers(seed);
  const senders = Array.from({ length: n }, (_, j) => ({ j, key: random() })).sort(
    (a, b) => a.key - b.key,
  );
  return senders.map(({ j }) => {
    const weight = random() < 0.5 ? strength : -strength;
    return Array.from({ length: n }, (_, k) => (k === j ? weight : 0));
  });
}

function nextState(W, b, x, random) {
  return Int8Array.from(localFields(W, b, x), (u) => (random() < sigmoid(u) ? 1 : -1));
}

// root mean square over all pairs of the Pearson correlation of x_i(t + 1) with x_j(t)
function rmsCorrelation(trace) {
  const pairs = trace.length - 1;
  const n = trace[0].length;
  const products = new Int32Array(n * n);
  const [later, earlier] = [new Int32Array(n), new Int32Array(n)];
  for (let t = 0; t < pairs; t++) {
    const [x, y] = [trace[t], trace[t + 1]];
    for (let i = 0; i < n; i++) {
      later[i] += y[i];
      earlier[i] += x[i];
      for (let j = 0; j < n; j++) products[i * n + j] += y[i] * x[j];
    }
  }
  let squares = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const spread = (pairs ** 2 - later[i] ** 2) * (pairs ** 2 - earlier[j] ** 2);
      const shared = pairs * products[i * n + j] - later[i] * earlier[j];
      // a neuron that never changes has correlation 0, by definition
      if (spread > 0) squares += shared ** 2 / spread;
    }
  }
  return Math.sqrt(squares) / n;
}
