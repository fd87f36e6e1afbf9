.DEFAULT_GOAL := help
.PHONY: help guest verify-guest

help: ## list what can be made
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  %-14s %s\n", $$1, $$2 }'

guest: ## build runtime-guest/guest.wasm from source with the pinned tools
	runtime-guest/build-guest.sh build

verify-guest: ## rebuild the guest elsewhere and compare it byte for byte with the committed one
	runtime-guest/build-guest.sh verify
