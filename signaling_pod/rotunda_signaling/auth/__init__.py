"""Who may do what: API keys, the tokens that they sign, and what a token grants.

    API key ──signs──▶ join token    one person, one room (audience `rotunda`)
                  └──▶ API token     whoever runs the rooms, for an hour at most (`rotunda-api`)
    server  ──signs──▶ guest token   who came into an Open room without one (`rotunda-guest`)

Tokens are JWTs (RFC 7519) with HS256 and nothing else: the key says how it signs, never the token.
"""
