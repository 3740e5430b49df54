import { render } from 'preact';
import { App } from './app.tsx';
import { followLinks } from './router.ts';
import { askWho } from './session.ts';
import './style.css';

const root = document.querySelector<HTMLElement>('#console')!;
followLinks(root);
render(<App />, root);
void askWho();
