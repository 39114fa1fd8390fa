// SPDX-License-Identifier: MIT
//
// A page of components that show updates, for react.test.mjs. The test says by
// window.show(list) which there are; an item is
//
//   { name, tenant, options, kind, isHidden }
//
// `kind` is `log` for useSubscription in place of useUpdates, and `isHidden` is
// what <Activity> hides. An option `token` of 'function' is one that asks the
// test for a token by window.makeToken, 'inline' one that is new in each render.
// window.committed(tenant) is called when a component is in the page and its
// effects have not run.

import { Activity, StrictMode, useLayoutEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { useSubscription, useUpdates } from '@wsd/client/react';

const url = new URLSearchParams(location.search).get('url');

// Whatever was rendered: a component must never show what is another tenant's.
window.wrong = [];
window.logs = {};

const getToken = (context) => window.makeToken(context);

function optionsOf({ token, ...options } = {}) {
  if (token === 'function')
    return { url, ...options, token: getToken };
  if (token === 'inline')
    return { url, ...options, token: (context) => getToken(context) };
  return { url, ...options, token };
}

function Updates({ name, tenant, options }) {
  const { updates, last, state, gaps } = useUpdates(tenant, optionsOf(options));
  window.rendered = tenant;
  useLayoutEffect(() => window.committed?.(tenant));
  for (const update of [...updates, ...gaps])
    if (update.tenant !== tenant)
      window.wrong.push([tenant, update]);
  return (
    <section data-name={name} data-state={state.name}>
      <p className="why">{state.why}</p>
      <p className="last">{last === null ? '' : JSON.stringify(last.data)}</p>
      <ol>{updates.map(({ epoch, seq, data }) =>
        <li key={`${epoch}:${seq}`}>{JSON.stringify(data)}</li>)}</ol>
      <ul>{gaps.map(({ reason, from, to }, i) =>
        <li key={i}>{`${reason} ${from}-${to}`}</li>)}</ul>
    </section>
  );
}

// Its callback knows how often it was rendered.
function Log({ name, tenant, options }) {
  const [count, setCount] = useState(0);
  useSubscription(tenant, (data) => {
    (window.logs[name] ??= []).push(`${data} at ${count}`);
    setCount((before) => before + 1);
  }, optionsOf(options));
  return <section data-name={name}>{count}</section>;
}

function App() {
  const [list, show] = useState([]);
  window.show = show;
  return list.map((item) => {
    const Component = item.kind === 'log' ? Log : Updates;
    return (
      <Activity key={item.name} mode={item.isHidden ? 'hidden' : 'visible'}>
        <Component {...item} />
      </Activity>
    );
  });
}

createRoot(document.querySelector('#app'))
  .render(<StrictMode><App /></StrictMode>);
