export {Feed as NetworkFeed} from '../feed.js';
