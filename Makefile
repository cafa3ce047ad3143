# make demo | make test | make bench | make clean
# Everything is npm underneath; the targets only spare you remembering which script does what.
.PHONY: bench demo test lint clean

# The stamp that npm itself keeps says whether node_modules matches the lock file.
node_modules/.package-lock.json: package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

bench: node_modules/.package-lock.json
	npm run --silent build

demo: node_modules/.package-lock.json
	npm run --silent demo

test: node_modules/.package-lock.json
	npm test --silent

lint: node_modules/.package-lock.json
	npm run --silent lint

clean:
	rm -rf dist qwen_asr qwen_asr_bench
