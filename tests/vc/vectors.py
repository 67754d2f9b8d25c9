"""Published test vectors of the W3C: facts to measure against. https://www.w3.org/TR/vc-di-eddsa/#test-vectors

The private key is published with them. Nothing it signs may ever be trusted.
"""

from typing import Any, Final

from app.vc.contexts import VC_V2

VECTOR_KEY = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
VECTOR_SECRET = "z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq"
VECTOR_CONTEXTS = [VC_V2, "https://www.w3.org/ns/credentials/examples/v2"]
VECTOR_DOCUMENT = {
    "@context": VECTOR_CONTEXTS,
    "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    "type": ["VerifiableCredential", "AlumniCredential"],
    "name": "Alumni Credential",
    "description": "A minimum viable example of an Alumni Credential.",
    "issuer": "https://vc.example/issuers/5678",
    "validFrom": "2023-01-01T00:00:00Z",
    "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School of Examples"},
}
OF_THE_ISSUER = f"https://vc.example/issuers/5678#{VECTOR_KEY}"
DID_KEY = f"did:key:{VECTOR_KEY}#{VECTOR_KEY}"

DOCUMENT_HASHES = {
    "eddsa-jcs-2022": "59b7cb6251b8991add1ce0bc83107e3db9dbbab5bd2c28f687db1a03abc92f19",
    "eddsa-rdfc-2022": "517744132ae165a5349155bef0bb0cf2258fff99dfe1dbd914b938d775a36017",
}
# suite, verification method, hash of the proof options, proofValue
PROOFS = [
    (
        "eddsa-jcs-2022",
        DID_KEY,
        "66ab154f5c2890a140cb8388a22a160454f80575f6eae09e5a097cabe539a1db",
        "z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJdcnTMuVor51aX",
    ),
    (
        "eddsa-jcs-2022",
        OF_THE_ISSUER,
        "ac75a9fbdb9b5606c064a88bb59ab355900074f6def99d16a82dd071a7a67066",
        "z63t83Y53KfzJ5ZosfKTnqfMcKB2dmTrfjSaQjeNNjAD5srBowQfmWqeRb8rRjmeEuCBEsddF9LsVogtuTsijJKh4",
    ),
    (
        "eddsa-rdfc-2022",
        DID_KEY,
        "bea7b7acfbad0126b135104024a5f1733e705108f42d59668b05c0c50004c6b0",
        "z2YwC8z3ap7yx1nZYCg4L3j3ApHsF8kgPdSb5xoS1VR7vPG3F561B52hYnQF9iseabecm3ijx4K1FBTQsCZahKZme",
    ),
    (
        "eddsa-rdfc-2022",
        OF_THE_ISSUER,
        "4c4d3890a157f8d611b13c265c2c22f39aa0a567c7c7dd9ba3e45cd579784eeb",
        "z21EVs3eXERqTn4acNHT9viboqgzUaQ3kTmhPT3eA8qrVPE7CrQq78WkzctnMX5W4CrzcKnHw8V6dvy5pgWYCU5e9",
    ),
]


def _link(number: int, key: str, value: str, **members: Any) -> dict[str, Any]:
    return {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "created": "2023-02-24T23:36:38Z",
        "verificationMethod": f"https://vc.example/issuers/5678{number}#{key}",
        "proofPurpose": "assertionMethod",
        **members,
        "proofValue": value,
    }


_IDS: Final = (
    "urn:uuid:26329423-bec9-4b2e-88cb-a7c7d9dc4544",
    "urn:uuid:8cc9022b-6b14-4cf3-8571-74972c5feb54",
    "urn:uuid:d94f792a-c546-4d06-b38a-da070ab56c23",
)
CHAIN = [
    _link(
        1,
        "z6MktgKTsu1QhX6QPbyqG6geXdw6FQCZBPq7uQpieWbiQiG7",
        "z5KTX5yikM4eUukZW9qh66LGT3KZEUCACGpWcT2t4Yd54NMoFRchGmH4778omyNFAD3weSt6sNk5fuaMQmhhzNmEC",
        id=_IDS[0],
    ),
    _link(
        2,
        "z6MkhWqdDBPojHA7cprTGTt5yHv5yUi1B8cnXn8ReLumkw6E",
        "z5KXNyXDcm822dHS37tmS6Xc7FFNo8c73AfeqmfHoywPxnXWNjWKYK3VQzt3CMUoK9uAqsboVHKJXxuYwbdnfxZeA",
        id=_IDS[1],
    ),
    _link(
        3,
        "z6MkmEq87wkHCYnWnNZkigeDMGTN7oUw1upkhzd77KuXERS1",
        "z2hcFbMaj3BJufikuLZQ36gAXVT9J3ZiwB9rqN3j7VdqyT1GaQPbMTaF1Q2gn7h75ZcJ6JpV9pvNoDumvcjtmSRAV",
        id=_IDS[2],
        created="2023-02-26T22:06:38Z",
        previousProof=list(_IDS[:2]),
    ),
    _link(
        4,
        "z6MkmEq87wkHCYnWnNZkigeDMGTN7oUw1upkhzd77KuXERS1",
        "z6f4Lx4xiwWq8sucv6pg2vVvD5R4bxr58q2TagpwDXCxPVVS28S1iFwhor4ikhG6u4RKrNx7uSkYrCHdiiw5Js3d",
        created="2023-02-26T22:16:38Z",
        previousProof=_IDS[2],
    ),
]
"""A set of two proofs, a third over both, and a fourth over the third."""
