import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeEnglish } from '../../../src/bench/accuracy/normalizeEnglish.js';
import { normalizationPairs } from './normalizationPairs.js';

/*
 * Expected values: the published test cases of openai/whisper where it says so, otherwise read off the published rules
 * (whisper/normalizers/english.py, MIT; ellipses and initialisms: huggingface/open_asr_leaderboard) and confirmed with them.
 */
const PAIRS = normalizationPairs(`
# published tests of the text and spelling rules (the same file)
mobilisation → mobilization
cancelation → cancellation
Let's → let us
he's like → he is like
she's been like → she has been like
10km → 10 km
10mm → 10 mm
RC232 → rc 232
Mr. Park visited Assoc. Prof. Kim Jr. → mister park visited associate professor kim junior

# contractions
I'm here → i am here
you're late → you are late
he's tall → he is tall
she's gone → she has gone
it's been fun → it has been fun
he'd been there → he had been there
he'd gone → he had gone
he'd done it → he had done it
he's got it → he has got it
he'd go → he would go
we'll see → we will see
they've left → they have left
don't → do not
isn't it → is not it
couldn't've → could not have
can't → can not
cannot → cannot
won't → will not
shan't → sha not
ain't → aint
y'all come → you all come
I'ma go → i am going to go
imma go → i am going to go
gonna → going to
wanna → want to
gotta go → got to go
woulda coulda shoulda → would have could have should have
ma'am → madam
the dog's bone → the dog is bone
dogs' bones → dogs bones
rock 'n' roll → rock n roll
o'clock → 0 clock
'tis → tis
that 's it → that is it
don ’t → don t
he’s here → he s here

# titles
Mr Smith → mister smith
Mrs. Jones → missus jones
Dr. Who → doctor who
St. Peter → saint peter
Prof Higgins → professor higgins
Capt. Ahab → captain ahab
Gov. Brown → governor brown
Ald. Smith → alderman smith
Gen Lee → general lee
Sen. Warren → senator warren
Rep. Lewis → representative lewis
Pres. Lincoln → president lincoln
Rev. Green → reverend green
Hon. Judge → honorable judge
Asst. Coach → assistant coach
Lt. Dan → lieutenant dan
Col. Mustard → colonel mustard
King Jr → king junior
Sr. Director → senior director
Wooster Esq. → wooster esquire
best → best
drive → drive
street st → street saint

# hesitations, brackets and punctuation
um hello → hello
uh, I think → i think
hmm →
mm-hmm →
mhm yes → yes
uh-huh → huh
umbrella → umbrella
Hello, world! → hello world
[music] hello → hello
hello (laughs) there → hello there
<unk> what → what
[a (b] c) → c
() empty → empty
(unclosed hello → unclosed hello
wait... what → wait what
wait... → wait
... so what → so what
e.g. this → eg this
U.S. Army → us army
the U.S.A. → the usa
at 5 p.m. → at 5 pm
N.A.S.A. engineers → nasa engineers
C.E.O.s → ceos
J. K. Rowling → j k rowling
the end. → the end
v2.1 → v 2 one
well-known → well known
and/or → and or
C++ → c
rock & roll → rock roll
"quoted" → quoted
“quoted” → quoted
what?! → what
@home #tag → home tag
a_b → a b
semi;colon: done → semi colon done
—dash— → dash
3:30 pm → 3 30 pm
12/25 → 12 25
1-800-555 → one 800 555
5'10" → 5 10

# diacritics and letters of other alphabets
café → cafe
naïve façade → naive facade
Ærøskøbing → aeroskobing
Straße → strasse
Łódź → lodz
Þór → thor
œuvre → oeuvre
Đà Nẵng → da nang
Ångström → angstrom
El Niño → el nino
½ cup → one 2 cup
ﬁne → fine
Ｈｅｌｌｏ → hello
x² → x 2
привет → привет
日本語 → 日本語
élan's → elan is
ésteban → esteban

# American spelling
colour → color
colours → colors
favourite → favorite
realise → realize
organisation → organization
theatre → theater
centre → center
metre → meter
travelled → traveled
cancelled → canceled
grey → gray
programme → program
defence → defense
licence → license
catalogue → catalog
dialogue → dialog
analyse → analyze
tyre → tire
aluminium → aluminum
aeroplane → airplane
jewellery → jewelry
cheque → check
plough → plow
sceptical → skeptical
practise → practice
storey → story
gaol → jail
mum → mum
color → color
mhm mmm →
aesthetic → esthetic
glamor → glamour
yoghurt → yogurt
colour-blind neighbours → color blind neighbors
`);

for (const [title, pairs] of PAIRS) {
  test(`English: ${title}`, () => {
    for (const [text, expected] of pairs) assert.equal(normalizeEnglish(text), expected, `"${text}"`);
  });
}

test('white space of any kind separates words and none is left at the ends', () => {
  assert.equal(normalizeEnglish('  one\ttwo \n three words  '), '123 words');
  assert.equal(normalizeEnglish(' \n '), '');
  assert.equal(normalizeEnglish(''), '');
  assert.equal(normalizeEnglish('so…'), 'so');
});

test('normal text is left alone', () => {
  const text = 'and so my fellow americans ask not what your country can do for you';
  assert.equal(normalizeEnglish(text), text);
});
