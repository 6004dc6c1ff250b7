// Runs when Gradio shows the component whose HTML is `element`.
const root = element.querySelector('.ef-camera');
const video = root.querySelector('video');
const button = root.querySelector('button');
const canvas = document.createElement('canvas');
const part = (name) => root.querySelector(`[data-part=${name}]`);
const LONGEST_PX = 640, LEAST_MS = 50, QUALITY = 0.8;
const TROUBLE = {
  NotAllowedError: 'The camera was not allowed. Allow it in the browser, beside the address of this page.',
  NotFoundError: 'This device has no camera.',
  NotReadableError: 'Another program uses the camera. Close it and try again.',
};
let camera = null, socket = null, attempt = null, waiting = false, sentAt = 0, models = null;

function show(state, words) {
  root.dataset.state = state;
  button.textContent = state === 'off' ? 'Start camera' : 'Stop camera';
  if (words !== undefined) part('status').textContent = words;
}

async function start() {
  const own = attempt = {};
  let found = null;
  show('starting', 'Waiting for the camera.');
  part('csv').hidden = true;
  try {
    if (!navigator.mediaDevices) throw new DOMException('', 'InsecureError');
    found = await navigator.mediaDevices.getUserMedia({
      audio: false, video: { width: 640, height: 480, facingMode: 'user', frameRate: 30 },
    });
  } catch (error) {
    if (own === attempt) show('off', TROUBLE[error.name] || 'The browser gives this page no camera.');
    return;
  }
  // Whoever pressed Stop meanwhile does not want to be filmed.
  if (own !== attempt) return release(found);
  camera = video.srcObject = found;
  found.getVideoTracks()[0].onended = () => stop('The camera was switched off.');
  await video.play().catch(() => {});
  if (own === attempt) connect(own);
}

function connect(own) {
  const address = new URL('camera', document.baseURI);
  address.protocol = address.protocol.replace('http', 'ws');
  const line = socket = new WebSocket(address);
  [waiting, sentAt, models] = [false, 0, null];
  line.onopen = () => {
    if (own !== attempt) return line.close();
    show('on', 'Filming.');
    next();
  };
  line.onmessage = ({ data }) => { if (line === socket) take(JSON.parse(data)); };
  line.onclose = () => { if (own === attempt) stop('The page no longer answers. Reload it.'); };
}

function next() {
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(look);
  else requestAnimationFrame(look);
}

// Called for each frame of the camera. One at a time is on its way; the others are dropped.
function look(now) {
  if (root.dataset.state !== 'on') return;
  next();
  if (waiting || now - sentAt < LEAST_MS || !video.videoWidth) return;
  [waiting, sentAt] = [true, now];
  const chosen = document.documentElement.dataset.efModels || root.dataset.models;
  if (models !== chosen) {
    models = chosen;
    socket.send(JSON.stringify({ models }));
  }
  const scale = Math.min(1, LONGEST_PX / Math.max(video.videoWidth, video.videoHeight));
  canvas.width = Math.round(scale * video.videoWidth);
  canvas.height = Math.round(scale * video.videoHeight);
  canvas.getContext('2d').drawImage(video, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((frame) => { if (root.dataset.state === 'on') socket.send(frame); }, 'image/jpeg', QUALITY);
}

function take({ csv, label, ...shown }) {
  waiting = false;
  for (const [name, html] of Object.entries(shown)) part(name).innerHTML = html;
  // Read out by screen readers, so only when it changes.
  const words = label ? `Stable emotion: ${label}` : '';
  if (words && part('label').textContent !== words) part('label').textContent = words;
  if (csv === undefined) return;
  URL.revokeObjectURL(part('csv').href);
  part('csv').href = URL.createObjectURL(new Blob(['\ufeff', csv], { type: 'text/csv' }));
  part('csv').hidden = false;
}

function release(own) {
  own?.getTracks().forEach((track) => track.stop());
}

function stop(words) {
  release(camera);
  camera = video.srcObject = attempt = null;
  show('off', words || 'The camera is off.');
  if (socket?.readyState === WebSocket.OPEN) return socket.send('{"stop": true}');
  socket?.close();
  socket = null;
}

button.onclick = () => { if (root.dataset.state === 'off') start(); else stop(); };
// Nobody is filmed behind another tab, of the page or of the browser.
function leave() {
  if ((document.hidden || !root.offsetParent) && root.dataset.state !== 'off') stop();
}
new ResizeObserver(leave).observe(root);
document.addEventListener('visibilitychange', leave);
