import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeMultilingual } from '../../../src/bench/accuracy/plainText.js';
import { normalizationPairs } from './normalizationPairs.js';

/* Expected values: read off the published rules (whisper/normalizers/basic.py, MIT, with preserve_marks). */
const PAIRS = normalizationPairs(`
# Latin script
¿Qué tal, Señor? → qué tal señor
L'été s'achève... → l été s achève
Schöne Grüße! → schöne grüße
Straße → straße
"Çok güzel" → çok güzel
S'il vous plaît – merci → s il vous plaît merci
Preis: 3,50 € → preis 3 50
50 % der Fälle → 50 der fälle
E-Mail → e mail
l’amour → l amour
Ｆｕｌｌ Ｗｉｄｔｈ → full width
ﬁn → fin
# brackets
hola (risas) amigo → hola amigo
[música] hola → hola
<unk> bonjour → bonjour
# Cyrillic and Greek
Привет, мир! → привет мир
Ёлка → ёлка
ΚΑΛΗΜΕΡΑ ΣΑΣ → καλημερα σας
# Chinese, Japanese, Korean
你好，世界！ → 你好 世界
今天是２０２４年。 → 今天是2024年
「こんにちは」 → こんにちは
ﾃｽﾄです → テストです
안녕하세요? → 안녕하세요
# scripts with combining marks
नमस्ते दुनिया। → नमस्ते दुनिया
สวัสดีครับ → สวัสดีครับ
வணக்கம் → வணக்கம்
كَتَبَ الدَّرْسَ → كَتَبَ الدَّرْسَ
مرحبا، كيف؟ → مرحبا كيف
`);

for (const [title, pairs] of PAIRS) {
  test(`multilingual: ${title}`, () => {
    for (const [text, expected] of pairs) {
      assert.equal(normalizeMultilingual(text), expected.normalize('NFKC'), `"${text}"`);
    }
  });
}

test('composed and decomposed letters are the same', () => {
  assert.equal(normalizeMultilingual('cafe\u0301'), normalizeMultilingual('café'));
});

test('invisible format characters do not split or tell apart words', () => {
  assert.equal(normalizeMultilingual('می\u200cخواهم'), 'میخواهم');
  assert.equal(normalizeMultilingual('\ufeffword\u00adbreak'), 'wordbreak');
});
