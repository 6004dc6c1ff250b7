// Runs when Gradio shows the component whose HTML is `element`.
// A field of Gradio's own empties itself too late for whoever types on at once.
element.querySelector('input').onkeydown = ({ key, isComposing, target }) => {
  const line = target.value.trim();
  if (key !== 'Enter' || isComposing || !line) return;
  target.value = '';
  const text = document.querySelector('#track-text textarea');
  text.value = [text.value.trimEnd(), line].filter(Boolean).join('\n');
  text.dispatchEvent(new Event('input', { bubbles: true }));
  setTimeout(() => document.querySelector('#track-go').click());
};
