// Texts in, as JSON; out: what Twilio's own calculator makes of each, as encoding and the code units of every segment.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

const require = createRequire(new URL('../../../edge/package.json', import.meta.url))
const { SegmentedMessage } = require('sms-segments-calculator')

const answer = (text) => {
    const message = new SegmentedMessage(text)
    // A plain array of the characters: its segments are arrays of their own kind, with the header among them.
    const segments = message.segments.map((segment) => Array.from(segment, (char) => char.codeUnits ?? []).flat())
    return { encoding: message.encodingName, segments }
}
process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, 'utf8')).map(answer)))
