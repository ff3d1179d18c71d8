// A trained plain cell, h(t) = tanh(W x(t) + U h(t-1) + b), with a linear readout R h + c of the
// last state. All sequences x[s] run together: h[s][i] is the state of node i in sequence s.

const advance = ({ W, U, b, x }, h, t) =>
  h.map((state, s) => localFields(U, localFields(W, b, x[s][t]), state).map(Math.tanh));

// the states after each step
function recordStates(network) {
  let h = network.x.map(() => noBias(network.b));
  return network.x[0].map((_, t) => (h = advance(network, h, t)));
}

// nodes get the values that they have in the next sequence, so that these stay possible ones
const overwritten = (h, nodes) =>
  h.map((state, s) =>
    state.map((value, i) => (nodes.includes(i) ? h[(s + 1) % h.length][i] : value)),
  );

function readAnswers({ R, c }, h) {
  return h.map((state) => {
    const logits = localFields(R, c, state);
    return logits.indexOf(Math.max(...logits));
  });
}

// the answers with nodes overwritten after the input of one step, from the recorded states
function answersWithout(network, states, nodes, step) {
  let h = overwritten(states[step], nodes);
  for (let t = step + 1; t < states.length; t++) h = advance(network, h, t);
  return readAnswers(network, h);
}

const accuracyWithout = (network, states, nodes, step) =>
  answersWithout(network, states, nodes, step).filter((answer, s) => answer === network.y[s])
    .length / network.y.length;

function shuffledNodes(n, seed) {
  const random = randomNumbers(seed);
  return Array.from({ length: n }, (_, i) => ({ i, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ i }) => i);
}
